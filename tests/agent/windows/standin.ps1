# What only Windows has, for agent.ps1 under a PowerShell of another system, and a loop that runs the script again and
# again: each line on standard input is a run in JSON, each on standard output how it ended.
#
# A run: script, args, env, machine (class -> rows; or text, an error with that text; or {turns}, an answer for each
# question; or {hang}, seconds until it answers), only (class -> who may ask), user, and whether tasks can be made.

param([string] $Root)

$Run = @{}
$Turns = @{}
$Calls = New-Object System.Collections.ArrayList
$Tasks = @{}

# ---- Types: an accelerator wins over .NET's own type where a script leaves "System." out.

class StandInFile { # paths have Windows' separators
    static [string] Here([string] $path) { return $path.Replace('\', '/') }
    static [bool] Exists([string] $path) { return [System.IO.File]::Exists([StandInFile]::Here($path)) }
    static [string] ReadAllText([string] $path) { return [System.IO.File]::ReadAllText([StandInFile]::Here($path)) }
    static [void] WriteAllText([string] $path, [string] $text) {
        [System.IO.File]::WriteAllText([StandInFile]::Here($path), $text)
    }
}

class StandInDirectory {
    static [bool] Exists([string] $path) { return [System.IO.Directory]::Exists($path.Replace('\', '/')) }
}

enum StandInRole { Administrator }

class StandInIdentity {
    static [StandInIdentity] GetCurrent() { return [StandInIdentity]::new() }
}

class StandInPrincipal {
    StandInPrincipal([StandInIdentity] $identity) { }
    [bool] IsInRole([StandInRole] $role) { return $env:STANDIN_USER -eq 'administrator' }
}

class StandInAcl {
    [string] $Sddl = ''
    [void] SetSecurityDescriptorSddlForm([string] $text, [string] $parts) { $this.Sddl = $text }
}

$accelerators = [psobject].Assembly.GetType('System.Management.Automation.TypeAccelerators')
foreach ($pair in @(
        @('IO.File', [StandInFile]), @('IO.Directory', [StandInDirectory]),
        @('Security.Principal.WindowsIdentity', [StandInIdentity]),
        @('Security.Principal.WindowsPrincipal', [StandInPrincipal]),
        @('Security.Principal.WindowsBuiltInRole', [StandInRole]))) {
    $accelerators::Add($pair[0], $pair[1])
}

# ---- Commands

function global:Get-CimInstance {
    [CmdletBinding()] param([string] $ClassName, [string] $Namespace, [string] $Filter, [uint32] $OperationTimeoutSec)
    $null = $Calls.Add("$ClassName for $OperationTimeoutSec s")
    $held = $Run.machine.$ClassName
    $failure = if ($Run.only.$ClassName -and $env:STANDIN_USER -notin $Run.only.$ClassName) { 'Access denied ' }
        elseif ($null -eq $held) { 'Invalid class ' }
        elseif ($held -is [string]) { $held }
        elseif ($held -isnot [array] -and $held.hang) {
            if ($OperationTimeoutSec -eq 0) { throw "$ClassName is asked without an end" }
            'The operation timed out '
        }
    if ($failure) {
        Write-Error -Message $failure
        return
    }
    if ($held -isnot [array] -and $held.turns) {
        $turn = [int] $Turns[$ClassName]
        $Turns[$ClassName] = $turn + 1
        $held = $held.turns[$turn % $held.turns.Count]
    }
    foreach ($row in $held) {
        if ($Filter -match "\A(\w+) = '?(.*?)'?\z" -and "$($row.($Matches[1]))" -ne $Matches[2]) { continue }
        $row
    }
}

function global:Start-Sleep { param([double] $Seconds) $null = $Calls.Add("sleep $Seconds") }
function global:Get-Acl { param([string] $LiteralPath) [StandInAcl]::new() }
function global:Set-Acl {
    param([string] $LiteralPath, $AclObject)
    $null = $Calls.Add("acl $(Split-Path -Leaf $LiteralPath) $($AclObject.Sddl)")
}

function global:Get-ScheduledTask {
    [CmdletBinding()] param([string] $TaskName)
    if ($Tasks[$TaskName]) { return $Tasks[$TaskName] }
    Write-Error -Message "No MSFT_ScheduledTask objects found with property 'TaskName' equal to '$TaskName'."
}

function global:Register-ScheduledTask {
    param([string] $TaskName, [string] $Xml, [switch] $Force)
    if ($Run.unschedulable) { throw 'The service has not been started.' }
    $Tasks[$TaskName] = [pscustomobject] @{ TaskName = $TaskName; State = 'Ready'; Xml = $Xml; Result = 267011 }
    $Tasks[$TaskName]
}

function global:Unregister-ScheduledTask {
    [CmdletBinding(SupportsShouldProcess)] param([string] $TaskName)
    $Tasks.Remove($TaskName)
}

function global:Stop-ScheduledTask { param([string] $TaskName) $null = $Calls.Add("stop $TaskName") }
function global:Get-ScheduledTaskInfo {
    param([string] $TaskName)
    [pscustomobject] @{ LastTaskResult = $Tasks[$TaskName].Result }
}

function global:Start-ScheduledTask { # runs it at once, as LOCAL SERVICE, without the variables of who asked
    param([string] $TaskName)
    $task = $Tasks[$TaskName]
    if ($Run.task_hangs) {
        $task.Result = 267009
        return
    }
    $arguments = ([xml] $task.Xml).Task.Actions.Exec.Arguments
    $script = [regex]::Match($arguments, '-File "(.+)"').Groups[1].Value.Replace('\', '/')
    Set-Variables 'LOCAL SERVICE' @{}
    try { $null = & $script; $task.Result = $LASTEXITCODE } finally { Set-Variables $Run.user $Run.env }
}

function Set-Variables([string] $User, $Variables) {
    foreach ($name in (Get-ChildItem env:).Name -match '\AAGENTMON_|_proxy\z') { Remove-Item "env:$name" }
    $env:STANDIN_USER = $User
    foreach ($name in $Variables.Keys) { Set-Item "env:$name" $Variables[$name] }
}

# ---- The machine's folders, and the loop

[Net.WebRequest]::DefaultWebProxy = $null # else that of the first run that has one would stay for all others
$env:ProgramFiles = "$Root/Program Files"
$env:ProgramW6432 = "$Root/Program Files"
$env:ProgramData = "$Root/ProgramData"
$env:SystemRoot = "$Root/Windows"

while ($null -ne ($line = [Console]::In.ReadLine())) {
    $Run = ConvertFrom-Json -InputObject $line -AsHashtable
    $Turns.Clear()
    $Calls.Clear()
    if ($Run.fresh) { $Tasks.Clear() }
    $errors = New-Object System.IO.StringWriter
    $console = [Console]::Error
    [Console]::SetError($errors)
    Set-Variables $Run.user $Run.env
    $global:LASTEXITCODE = 0
    try {
        $words = @($Run.args)
        $out = if ($Run.call) { & ([scriptblock]::Create($Run.call)) } else { & $Run.script @words 6>&1 }
    } catch {
        $errors.WriteLine("THROWN: $_ $($_.ScriptStackTrace)")
    } finally {
        [Console]::SetError($console)
    }
    $ended = @{
        code = $LASTEXITCODE; out = @($out | ForEach-Object { "$_" }); err = $errors.ToString(); calls = @($Calls)
        tasks = @{}; protocol = [int] [Net.ServicePointManager]::SecurityProtocol
    }
    foreach ($name in $Tasks.Keys) { $ended.tasks[$name] = $Tasks[$name].Xml }
    [Console]::Out.WriteLine((ConvertTo-Json -InputObject $ended -Compress -Depth 5 -EscapeHandling EscapeNonAscii))
}
