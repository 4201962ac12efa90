"""agent.ps1 run by a real PowerShell on a machine that passes for Windows."""
