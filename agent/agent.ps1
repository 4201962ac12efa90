# agentmon-agent: tells an agentmon receiver how this Windows machine is. One run sends one report.
# For Windows PowerShell 5.1 and PowerShell 7, from Windows 8 and Server 2012 on; it needs nothing that Windows
# does not bring along, and changes nothing on the machine unless told to `install`.

$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'

$TaskName = 'agentmon-agent'
$LibFolder = "$env:ProgramFiles\agentmon-agent"
$DataFolder = "$env:ProgramData\agentmon-agent"
$StateFolder = "$DataFolder\state"
$Invariant = [Globalization.CultureInfo]::InvariantCulture

function Get-Usage {
    @'
usage: agent.ps1                send one report; this is what the scheduled task runs
       agent.ps1 -Print         show the report, without the key, and send nothing
       agent.ps1 test           send one report and explain the answer
       agent.ps1 install -Url URL
                                report every minute from now on; takes the key from AGENTMON_KEY,
                                AGENTMON_KEY_FILE or asks for it; run it as administrator
       agent.ps1 status         what is installed, and how the last report went
       agent.ps1 uninstall      remove all that install wrote

AGENTMON_URL and AGENTMON_KEY_FILE or AGENTMON_KEY go before what install wrote. HTTP_PROXY, HTTPS_PROXY and
NO_PROXY hold, else the proxy that Windows knows. Exit: 0 sent, 1 failed, 2 wrong usage.
'@
}

function Exit-Agent([int] $Code, [string] $Text) {
    [Console]::Error.WriteLine('agentmon-agent: ' + ($Text -replace '\s+', ' '))
    exit $Code
}

function Read-Argument([string[]] $Words) { # -> what was asked for; Problem is empty if that makes sense
    $asked = @{ Command = 'send'; Url = ''; Problem = '' }
    if ($Words.Count -eq 0) { return $asked }
    $asked.Command = switch -Regex ($Words[0]) {
        '\A(test|install|uninstall|status)\z' { $_.ToLowerInvariant() }
        '\A--?print\z' { 'print' }
        '\A(--?help|-h|help)\z' { 'help' }
        default { '' }
    }
    for ($i = 1; $i -lt $Words.Count -and -not $asked.Problem; $i++) {
        if ($asked.Command -eq 'install' -and $Words[$i] -match '\A--?url:?\z' -and $i + 1 -lt $Words.Count) {
            $i++
            $asked.Url = $Words[$i]
        } else { # which may be a key: it is not repeated
            $asked.Problem = "$($asked.Command) does not take these arguments; see help"
        }
    }
    if (-not $asked.Command) { $asked.Problem = 'there is no such command; see help' }
    $asked
}

# ---- Settings ---------------------------------------------------------------------------------------------

function Read-FirstLine([string] $Path) {
    ([IO.File]::ReadAllText((Convert-Path -LiteralPath $Path)) -split '\r?\n')[0]
}

function Get-Setting { # the environment goes before what install wrote
    $setting = @{ Url = $env:AGENTMON_URL; Key = $env:AGENTMON_KEY }
    $keyFile = $env:AGENTMON_KEY_FILE
    if (-not $keyFile -and -not $setting.Key -and [IO.File]::Exists("$DataFolder\key")) { $keyFile = "$DataFolder\key" }
    if ($keyFile) { $setting.Key = Read-FirstLine $keyFile }
    if (-not $setting.Url -and [IO.File]::Exists("$DataFolder\url")) { $setting.Url = Read-FirstLine "$DataFolder\url" }
    $setting
}

function Get-SettingProblem([string] $Url, [string] $Key) { # -> what is wrong with them, or nothing
    if (-not $Url) { return 'nothing says where the receiver is: set AGENTMON_URL, or install -Url URL' }
    if ($Url -notmatch '\Ahttps?://[!-~]+\z') { return "the receiver's URL starts with http:// or https://" }
    if ($Url -match '["''<>\\?#@]') { return "the receiver's URL holds characters that do not belong there" }
    if (-not $Key) { return 'no key: set AGENTMON_KEY_FILE or AGENTMON_KEY, or run install' }
    if ($Key -notmatch '\A[!-~]{1,128}\z') { return 'the key is malformed: 1 to 128 printable ASCII characters' }
}

function Confirm-Setting($Setting) { # -> them, the URL without a slash at its end; ends the agent if they are wrong
    $problem = Get-SettingProblem $Setting.Url $Setting.Key
    if ($problem) { Exit-Agent 2 $problem }
    if ($env:AGENTMON_CA -and $Setting.Url -like 'https:*') { # Windows takes no CA for one call alone
        Exit-Agent 2 ('AGENTMON_CA is not for this agent: unset it, and let Windows trust the CA, as administrator: ' +
            'Import-Certificate -FilePath CA.crt -CertStoreLocation Cert:\LocalMachine\Root')
    }
    @{ Url = $Setting.Url.TrimEnd('/'); Key = $Setting.Key }
}

# ---- The report -------------------------------------------------------------------------------------------

function Get-Percent([double] $Part, [double] $Whole) {
    if ($Whole -le 0) { return 0.0 }
    [Math]::Round([Math]::Min(100.0, [Math]::Max(0.0, 100 * $Part / $Whole)), 1)
}

function Format-Size([double] $Bytes) { # as df -h: powers of 1024, rounded up
    $value = [Math]::Ceiling($Bytes / 1024)
    if ($value -le 0) { return '0' }
    $unit = 0
    while ([Math]::Ceiling($value) -ge 1024) {
        $value = $value / 1024
        $unit++
    }
    $tenths = [Math]::Ceiling($value * 10)
    if ($tenths -lt 100) { return ($tenths / 10).ToString('0.0', $Invariant) + 'KMGTPE'.Substring($unit, 1) }
    [Math]::Ceiling($value).ToString('0', $Invariant) + 'KMGTPE'.Substring($unit, 1)
}

function Limit-Text([string] $Text) {
    $Text.Trim().Substring(0, [Math]::Min(255, $Text.Trim().Length))
}

function Get-CpuReading {
    Get-CimInstance -ClassName Win32_PerfRawData_Counters_ProcessorInformation -Filter "Name = '_Total'"
}

# PercentProcessorTime is, raw and despite its name, the time that the CPUs were idle, on average, in 100 ns.
function Get-CpuUsage($Before, $After) {
    $time = [long] $After.Timestamp_Sys100NS - [long] $Before.Timestamp_Sys100NS
    $idle = [long] $After.PercentProcessorTime - [long] $Before.PercentProcessorTime
    if ($time -le 0) { throw 'the performance counters of Windows tell no CPU time (lodctr /r rebuilds them)' }
    Get-Percent ($time - $idle) $time
}

function Get-SwapUsage($PageFiles) { # -> percent, or nothing without a page file
    $size = 0.0
    $used = 0.0
    foreach ($file in $PageFiles) {
        $size += $file.AllocatedBaseSize
        $used += $file.CurrentUsage
    }
    if ($size -gt 0) { Get-Percent $used $size }
}

function ConvertTo-Mount($Disk) { # -> an item of disk_usage, or nothing for a drive that is locked
    $size = [double] $Disk.Size
    $avail = [double] $Disk.FreeSpace
    if ($size -le 0) { return }
    [ordered] @{
        mount = [string] $Disk.DeviceID
        usage = Get-Percent ($size - $avail) $size
        size = Format-Size $size
        used = Format-Size ($size - $avail)
        avail = Format-Size $avail
    }
}

# A switch, a team or a tunnel counts again what passes a card, so cards alone count.
function Get-Traffic($Adapters, $Statistics) { # -> bytes since boot by field, empty without a card
    $cards = @(foreach ($adapter in $Adapters) { if ($adapter.HardwareInterface) { $adapter.Name } })
    $traffic = @{}
    foreach ($one in $Statistics) {
        if ($cards -notcontains $one.Name) { continue }
        $traffic.network_rx_bytes = [long] $traffic.network_rx_bytes + [long] $one.ReceivedBytes
        $traffic.network_tx_bytes = [long] $traffic.network_tx_bytes + [long] $one.SentBytes
    }
    $traffic
}

function Read-Traffic {
    $query = @{ Namespace = 'root/StandardCimv2'; ErrorAction = 'SilentlyContinue' } # these fields may be absent
    Get-Traffic (Get-CimInstance -ClassName MSFT_NetAdapter @query) `
        (Get-CimInstance -ClassName MSFT_NetAdapterStatisticsSettingData @query)
}

function Get-Report { # -> the report without the key; takes a second
    $before = Get-CpuReading
    Start-Sleep -Seconds 1
    $after = Get-CpuReading
    $system = Get-CimInstance -ClassName Win32_OperatingSystem
    $memory = [double] $system.TotalVisibleMemorySize
    $disks = Get-CimInstance -ClassName Win32_LogicalDisk -Filter 'DriveType = 3'
    $report = [ordered] @{
        cpu_usage = Get-CpuUsage $before $after
        memory_usage = Get-Percent ($memory - $system.FreePhysicalMemory) $memory
        memory_total_mb = [long] [Math]::Floor($memory / 1024)
        disk_usage = [object[]] @(foreach ($disk in $disks) { ConvertTo-Mount $disk })
        os = Limit-Text $system.Caption
        hostname = Limit-Text ([Net.Dns]::GetHostName())
        kernel = Limit-Text $system.Version
    }
    $swap = Get-SwapUsage (Get-CimInstance -ClassName Win32_PageFileUsage)
    if ($null -ne $swap) { $report.swap_usage = $swap }
    $traffic = Read-Traffic
    foreach ($name in $traffic.Keys) { $report[$name] = $traffic[$name] }
    $report
}

function ConvertTo-AsciiJson($Value) { # ASCII passes every console and code page unharmed
    $json = ConvertTo-Json -InputObject $Value -Depth 4 -Compress
    [regex]::Replace($json, '[^ -~]', { param($found) '\u{0:x4}' -f [int] [char] $found.Value })
}

function ConvertTo-Body($Report, [string] $Key) {
    $body = [ordered] @{ agent_key = $Key }
    foreach ($name in $Report.Keys) { $body[$name] = $Report[$name] }
    ConvertTo-AsciiJson $body
}

# ---- Sending ----------------------------------------------------------------------------------------------

# -> 'direct', a proxy's address, or nothing: then the one that Windows knows, if any, is used
function Select-Proxy([Uri] $Uri, [string] $HttpProxy, [string] $HttpsProxy, [string] $NoProxy) {
    foreach ($part in $NoProxy -split '[,\s]+') {
        $name = $part -replace '\A\*?\.', ''
        $ending = [StringComparison]::OrdinalIgnoreCase
        if ($part -eq '*') { return 'direct' }
        if ($name -and ($Uri.Host -eq $name -or $Uri.Host.EndsWith(".$name", $ending))) { return 'direct' }
    }
    if ($Uri.Scheme -eq 'https') { $HttpsProxy } else { $HttpProxy }
}

function ConvertTo-Proxy([string] $Address) {
    $uri = $null
    if ($Address -notmatch '\A\w+://') { $Address = "http://$Address" }
    if (-not [Uri]::TryCreate($Address, [UriKind]::Absolute, [ref] $uri)) { throw 'the proxy has no valid address' }
    $proxy = New-Object -TypeName Net.WebProxy -ArgumentList "$($uri.Scheme)://$($uri.Host):$($uri.Port)"
    if ($uri.UserInfo) {
        $name, $secret = foreach ($word in $uri.UserInfo -split ':', 2) { [Uri]::UnescapeDataString($word) }
        $proxy.Credentials = New-Object -TypeName Net.NetworkCredential -ArgumentList $name, "$secret"
    }
    $proxy
}

function Get-Request([string] $Url) { # -> a POST that is yet to be made
    $request = [Net.WebRequest]::CreateHttp("$Url/agent/report")
    $request.Method = 'POST'
    $request.ContentType = 'application/json'
    $request.UserAgent = 'agentmon-agent'
    $request.AllowAutoRedirect = $false
    $request.KeepAlive = $false
    $request.Timeout = 20000
    $request.ReadWriteTimeout = 20000
    $proxy = Select-Proxy $request.RequestUri $env:HTTP_PROXY $env:HTTPS_PROXY $env:NO_PROXY
    if ($proxy -eq 'direct') { $request.Proxy = $null } elseif ($proxy) { $request.Proxy = ConvertTo-Proxy $proxy }
    $request
}

function Read-Answer($Response) { # -> what came back; Text is the start of the body
    $reader = New-Object -TypeName IO.StreamReader -ArgumentList $Response.GetResponseStream()
    try {
        $buffer = New-Object -TypeName 'char[]' -ArgumentList 4096
        $length = $reader.ReadBlock($buffer, 0, $buffer.Length)
        $text = [string]::new($buffer, 0, $length)
        @{ Status = [int] $Response.StatusCode; Retry = $Response.Headers['Retry-After']; Text = $text }
    } finally {
        $reader.Dispose()
    }
}

function Send-Body([string] $Url, [string] $Body) { # -> the answer; Status is 0 if there was none
    # Windows PowerShell 5.1 may begin with TLS 1.0, and both would ask whether they may send before they do.
    [Net.ServicePointManager]::SecurityProtocol =
        [Net.ServicePointManager]::SecurityProtocol -bor [Net.SecurityProtocolType]::Tls12
    [Net.ServicePointManager]::Expect100Continue = $false
    $bytes = [Text.Encoding]::UTF8.GetBytes($Body)
    $request = Get-Request $Url
    try {
        $stream = $request.GetRequestStream()
        $stream.Write($bytes, 0, $bytes.Length)
        $stream.Dispose()
        Read-Answer $request.GetResponse()
    } catch [Net.WebException] {
        if ($_.Exception.Response) { return Read-Answer $_.Exception.Response }
        $cause = $_.Exception.GetBaseException()
        $hint = ''
        if ($cause -is [Security.Authentication.AuthenticationException]) {
            $hint = ' (does Windows trust its certificate? Import-Certificate adds a CA to Cert:\LocalMachine\Root)'
        }
        @{ Status = 0; Retry = ''; Text = $cause.Message + $hint }
    }
}

function Get-Verdict($Answer, [string] $Url) { # -> Taken; Wait, seconds before another try, 0 for none; Says
    $status = $Answer.Status
    $message = 'without a word'
    if ($Answer.Text -match '"message"\s*:\s*"((?:[^"\\]|\\.)*)"') { $message = $Matches[1] }
    $taken = $status -eq 200 -and $Answer.Text -match '"status"\s*:\s*"ok"'
    $busy = $status -eq 429 -or $status -eq 503
    $wait = 0
    if ($busy -and $Answer.Retry -match '\A0*([0-9]|[12][0-9]|30)\z') { $wait = [int] $Matches[1] }
    $says = if ($taken) {
        'took the report'
    } elseif ($status -eq 0) {
        "did not answer: $($Answer.Text)"
    } elseif ($status -eq 404) {
        'does not know this key (404): its monitor was deleted or the key rotated'
    } elseif ($status -eq 422) {
        "refused the report (422): $message"
    } elseif ($busy) {
        "cannot take a report now ($status): $message"
    } else {
        "answered $status, which is not what an agentmon receiver says: $message"
    }
    $says = ("the receiver at $Url $says" -replace '\s+', ' ') -replace '[^ -~]', ''
    @{ Taken = $taken; Wait = $wait; Says = $says.Substring(0, [Math]::Min(500, $says.Length)) }
}

function Save-Outcome([string] $Says) { # for status; only the scheduled task and administrators may
    if (-not [IO.Directory]::Exists($StateFolder)) { return }
    $time = [DateTime]::UtcNow.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", $Invariant)
    try {
        [IO.File]::WriteAllText("$StateFolder\last", "$time $Says")
    } catch [UnauthorizedAccessException], [IO.IOException] {
        return # someone else's try, or two at once: the next report will be told
    }
}

function Send-Report($Setting) { # -> the verdict, after a second try if the receiver asked for one
    foreach ($attempt in 1, 2) {
        $body = ConvertTo-Body (Get-Report) $Setting.Key
        $verdict = Get-Verdict (Send-Body $Setting.Url $body) $Setting.Url
        if ($attempt -eq 2 -or $verdict.Wait -eq 0) { break }
        Start-Sleep -Seconds $verdict.Wait
    }
    $verdict
}

# ---- Installing -------------------------------------------------------------------------------------------

function Assert-Administrator {
    $user = [Security.Principal.WindowsPrincipal] [Security.Principal.WindowsIdentity]::GetCurrent()
    if (-not $user.IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator)) {
        Exit-Agent 1 'this needs a PowerShell that was started as administrator'
    }
}

function Read-Key {
    $secret = Read-Host -Prompt 'Agent key (not shown)' -AsSecureString
    (New-Object -TypeName Net.NetworkCredential -ArgumentList '', $secret).Password
}

# Lets in SYSTEM, administrators and, with these rights, LOCAL SERVICE, as whom the task runs.
function Protect-Folder([string] $Path, [string] $Rights) {
    $acl = Get-Acl -LiteralPath $Path
    $acl.SetSecurityDescriptorSddlForm(
        "O:BAD:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;$Rights;;;LS)", 'Owner, Access')
    Set-Acl -LiteralPath $Path -AclObject $acl
}

function Remove-Folder([string] $Path) {
    if (-not (Test-Path -LiteralPath $Path)) { return }
    if ((Get-Item -LiteralPath $Path -Force).Attributes -band [IO.FileAttributes]::ReparsePoint) {
        throw "$Path leads elsewhere: remove it by hand"
    }
    Remove-Item -LiteralPath $Path -Recurse -Force
}

# Any user may make a folder in ProgramData ahead of us: what is there goes, and a file that comes up is no success.
function Write-Setting($Setting) {
    Remove-Folder $DataFolder
    $null = New-Item -ItemType Directory -Path $DataFolder
    Protect-Folder $DataFolder '0x1200a9' # read
    $null = New-Item -ItemType Directory -Path $StateFolder
    Protect-Folder $StateFolder '0x1301bf' # read, write and delete
    $null = New-Item -ItemType File -Path "$DataFolder\url" -Value $Setting.Url
    $null = New-Item -ItemType File -Path "$DataFolder\key" -Value $Setting.Key
}

# S-1-5-19 is LOCAL SERVICE. Not all machines in the same second: each starts at a second of its own.
function Get-TaskXml([string] $Program, [string] $Script, [int] $Second) {
    @"
<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo><Description>agentmon agent: send one report</Description></RegistrationInfo>
  <Triggers>
    <TimeTrigger>
      <Repetition><Interval>PT1M</Interval><StopAtDurationEnd>false</StopAtDurationEnd></Repetition>
      <StartBoundary>2024-01-01T00:00:$($Second.ToString('00', $Invariant))</StartBoundary>
      <Enabled>true</Enabled>
    </TimeTrigger>
  </Triggers>
  <Principals>
    <Principal id="Agent"><UserId>S-1-5-19</UserId><RunLevel>LeastPrivilege</RunLevel></Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <StartWhenAvailable>true</StartWhenAvailable>
    <ExecutionTimeLimit>PT2M</ExecutionTimeLimit>
  </Settings>
  <Actions Context="Agent">
    <Exec>
      <Command>$Program</Command>
      <Arguments>-NoProfile -NonInteractive -WindowStyle Hidden -ExecutionPolicy Bypass -File "$Script"</Arguments>
    </Exec>
  </Actions>
</Task>
"@
}

function Install-Agent([string] $Url) {
    Assert-Administrator
    if (-not $PSCommandPath) { Exit-Agent 1 'install needs this script as a file' }
    $setting = Get-Setting
    if ($Url) { $setting.Url = $Url }
    if ($setting.Url -and -not $setting.Key) { $setting.Key = Read-Key }
    $setting = Confirm-Setting $setting
    $script = "$LibFolder\agent.ps1"
    $null = New-Item -ItemType Directory -Force -Path $LibFolder
    if ($PSCommandPath -ne $script) { Copy-Item -LiteralPath $PSCommandPath -Destination $script -Force }
    Write-Setting $setting
    $program = "$env:SystemRoot\System32\WindowsPowerShell\v1.0\powershell.exe" # Windows always has this one
    $xml = Get-TaskXml $program $script (Get-Random -Maximum 60)
    $null = Register-ScheduledTask -TaskName $TaskName -Xml $xml -Force
    $verdict = Send-Report $setting
    Save-Outcome $verdict.Says
    "agentmon-agent: $($verdict.Says)"
    "agentmon-agent: installed; the scheduled task $TaskName runs $script every minute"
    if (-not $verdict.Taken) { exit 1 }
}

function Uninstall-Agent {
    Assert-Administrator
    if (Get-ScheduledTask -TaskName $TaskName -ErrorAction SilentlyContinue) {
        Stop-ScheduledTask -TaskName $TaskName
        Unregister-ScheduledTask -TaskName $TaskName -Confirm:$false
    }
    Remove-Folder $DataFolder
    Remove-Folder $LibFolder
    'agentmon-agent: removed'
}

function Show-Status {
    if (-not [IO.File]::Exists("$DataFolder\url")) {
        Exit-Agent 1 'not installed, or not for you to see: ask again as administrator'
    }
    $task = Get-ScheduledTask -TaskName $TaskName -ErrorAction SilentlyContinue
    $last = 'no report yet'
    if ([IO.File]::Exists("$StateFolder\last")) { $last = Read-FirstLine "$StateFolder\last" }
    "receiver: $(Read-FirstLine "$DataFolder\url")"
    "settings: $DataFolder"
    "script:   $LibFolder\agent.ps1"
    "run by:   $(if ($task) { "the scheduled task $TaskName, $($task.State)" } else { 'nothing' })"
    "last:     $last"
}

function Send-Once {
    $verdict = Send-Report (Confirm-Setting (Get-Setting))
    $own = $env:AGENTMON_URL -or $env:AGENTMON_KEY_FILE -or $env:AGENTMON_KEY
    if (-not $own) { Save-Outcome $verdict.Says } # not for a run with settings of its own
    if (-not $verdict.Taken) { Exit-Agent 1 $verdict.Says }
    $verdict.Says
}

function Invoke-Agent([string[]] $Words) {
    $asked = Read-Argument $Words
    if ($asked.Problem) { Exit-Agent 2 $asked.Problem }
    try {
        switch ($asked.Command) {
            'send' { $null = Send-Once }
            'print' { ConvertTo-AsciiJson (Get-Report) }
            'test' { "agentmon-agent: $(Send-Once)" }
            'install' { Install-Agent $asked.Url }
            'uninstall' { Uninstall-Agent }
            'status' { Show-Status }
            'help' { Get-Usage }
        }
    } catch { # one line, whatever it was
        Exit-Agent 1 ($_.Exception.GetBaseException().Message)
    }
}

if ($MyInvocation.InvocationName -ne '.') {
    Invoke-Agent $args
    exit 0
}
