# agentmon-agent: tells an agentmon receiver how this Windows machine is. One run sends one report.
# For Windows PowerShell 3.0 to 5.1 and PowerShell 7, from Windows 8 and Server 2012 on; it needs nothing that
# Windows does not bring along, and changes nothing on the machine unless told to `install`.
#Requires -Version 3.0

$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'

$Version = '0.2.0'
$TaskName = 'agentmon-agent'
$Programs = if ($env:ProgramW6432) { $env:ProgramW6432 } else { $env:ProgramFiles } # not a 32-bit PowerShell's own
$LibFolder = "$Programs\agentmon-agent"
$DataFolder = "$env:ProgramData\agentmon-agent"
$StateFolder = "$DataFolder\state"
$NoReport = 'no report yet'
$Deadline = 20 # seconds for a whole call

function Get-Usage {
    @'
usage: agent.ps1                send one report; this is what the scheduled task runs
       agent.ps1 -Print         show the report, without the key, and send nothing
       agent.ps1 test           send one report and explain the answer
       agent.ps1 install -Url URL [-Pin sha256//BASE64=]
                                report every minute from now on; takes the key from AGENTMON_KEY,
                                AGENTMON_KEY_FILE or asks for it; run it as administrator
       agent.ps1 status         what is installed, and how the last report went
       agent.ps1 uninstall      remove all that install wrote

AGENTMON_URL, AGENTMON_KEY_FILE or AGENTMON_KEY, and AGENTMON_PIN (the public key to trust) or AGENTMON_CA (a
private CA's certificate), both by way of curl.exe, go before what install wrote. HTTP_PROXY, HTTPS_PROXY and
NO_PROXY hold, else the proxy that Windows knows. Exit: 0 sent, 1 failed, 2 wrong usage; status: 0 the last
report was taken, 1 it failed, 3 nothing runs the agent.
'@
}

function Write-Trouble([string] $Text) {
    [Console]::Error.WriteLine('agentmon-agent: ' + (Format-Line $Text))
}

function Exit-Agent([int] $Code, [string] $Text) {
    Write-Trouble $Text
    exit $Code
}

function Format-Line([string] $Text) { # one line that cannot steer a console, in whatever language it is
    $line = ($Text -replace '[\p{C}\p{Z}\s]+', ' ').Trim()
    $line.Substring(0, [Math]::Min(500, $line.Length))
}

function Format-Number($Value, [string] $Format) { # with a decimal point, whatever this country writes
    $Value.ToString($Format, [Globalization.CultureInfo]::InvariantCulture)
}

function Read-Argument([string[]] $Words) { # -> what was asked for; Problem is empty if that makes sense
    $asked = @{ Command = 'send'; Url = ''; Pin = ''; Problem = '' }
    if ($Words.Count -eq 0) { return $asked }
    $asked.Command = switch -Regex ($Words[0]) {
        '\A(test|install|uninstall|status)\z' { $_.ToLowerInvariant() }
        '\A--?print\z' { 'print' }
        '\A(--?help|-h|help)\z' { 'help' }
        default { '' }
    }
    for ($i = 1; $i -lt $Words.Count -and -not $asked.Problem; $i++) {
        if ($asked.Command -eq 'install' -and $Words[$i] -match '\A--?(url|pin):?\z' -and $i + 1 -lt $Words.Count) {
            $i++
            $asked[$Matches[1]] = $Words[$i]
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

function Read-Stored([string] $Name) { # -> what install wrote under that name, or nothing
    if ([IO.File]::Exists("$DataFolder\$Name")) { Read-FirstLine "$DataFolder\$Name" }
}

function Get-Setting { # the environment goes before what install wrote
    $setting = @{ Url = $env:AGENTMON_URL; Key = $env:AGENTMON_KEY; Pin = $env:AGENTMON_PIN; Ca = $env:AGENTMON_CA }
    if ($env:AGENTMON_KEY_FILE) { $setting.Key = Read-FirstLine $env:AGENTMON_KEY_FILE }
    if (-not $setting.Key) { $setting.Key = Read-Stored 'key' }
    if (-not $setting.Url) { # a receiver that somebody names is not trusted by the pin of another
        $setting.Url = Read-Stored 'url'
        if (-not $setting.Pin) { $setting.Pin = Read-Stored 'pin' }
    }
    $setting
}

function Test-OwnKey([string] $Key) { # whether it looks like those that agentmon makes; others are brought along
    $Key -cmatch '\Aamk_[0-9A-Za-z]{40}\z'
}

function Get-KeyProblem([string] $Key) { # -> what is wrong with it, or nothing
    if (-not $Key) { return 'no key: set AGENTMON_KEY_FILE or AGENTMON_KEY, or run install' }
    if ($Key -match '[\u2022\u2026]|\*\*') { # the dots of the console, an ellipsis
        return 'this key was copied while it was hidden: press v or i in the console, then copy it again'
    }
    if ($Key -notmatch '\A[!-~]{1,128}\z') { return 'the key is malformed: 1 to 128 printable ASCII characters' }
    $length = $Key.Length
    if ($length -ge 24 -and $Key -like 'amk_*' -and -not (Test-OwnKey $Key)) {
        return ('this key is damaged: amk_ and 40 letters or digits were expected, ' +
            "but it has $length characters: copy it again")
    }
}

function Get-SettingProblem($Setting) { # -> what is wrong with them, or nothing
    $url = $Setting.Url
    if (-not $url) { return 'no receiver: set AGENTMON_URL, or install -Url URL' }
    if ($url -notmatch '\Ahttps?://[!-~]+\z') { return "the receiver's URL starts with http:// or https://" }
    if ($url -match '["''<>\\?#@]') { return "the receiver's URL holds characters that do not belong there" }
    if ($Setting.Pin -and $Setting.Pin -notmatch '\Asha256//.+=\z') { return 'a pin looks like sha256//BASE64=' }
    if (($Setting.Pin -or $Setting.Ca) -and $url -like 'https:*' -and -not (Get-Curl)) {
        return 'a pin or a CA of its own needs curl.exe, which Windows has since 10 (1803) and Server 2019'
    }
    Get-KeyProblem $Setting.Key
}

function Get-Curl { # -> the path of Windows' own, or nothing
    $path = "$env:SystemRoot\System32\curl.exe"
    if ([IO.File]::Exists($path)) { $path }
}

function Confirm-Setting($Setting) { # -> them, without blanks around; ends the agent if they are wrong
    $trimmed = @{}
    foreach ($name in $Setting.Keys) { $trimmed[$name] = "$($Setting[$name])".Trim() }
    $problem = Get-SettingProblem $trimmed
    if ($problem) { Exit-Agent 2 $problem }
    $trimmed.Url = $trimmed.Url.TrimEnd('/')
    $trimmed
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
    $letter = 'KMGTPE'.Substring($unit, 1)
    if ($tenths -lt 100) { return (Format-Number ($tenths / 10) '0.0') + $letter }
    (Format-Number ([Math]::Ceiling($value)) '0') + $letter
}

function Limit-Text([string] $Text) {
    $Text.Trim().Substring(0, [Math]::Min(255, $Text.Trim().Length))
}

# What Windows knows is asked class by class, and each has an end: a dying disk can block it for minutes.
$Clock = @{ Started = 0 }
$Troubles = @{} # what could not be read, and why

# -> the rows of a class; none, and the reason in $Troubles, where Windows gives none or not in time
function Read-Class([string] $Class, [string] $Filter, [string] $Namespace = 'root/cimv2') {
    $left = 15 - ([Environment]::TickCount - $Clock.Started) / 1000
    $query = @{ ClassName = $Class; Namespace = $Namespace; ErrorAction = 'Stop' }
    $query.OperationTimeoutSec = [uint32] [Math]::Max(1, [Math]::Min(5, $left))
    if ($Filter) { $query.Filter = $Filter }
    try {
        Get-CimInstance @query
        $Troubles.Remove($Class)
    } catch {
        $Troubles[$Class] = $_.Exception.Message.Trim()
    }
}

function Read-Counter {
    Read-Class Win32_PerfRawData_Counters_ProcessorInformation "Name = '_Total'" | Select-Object -First 1
}

# PercentProcessorTime is, raw and despite its name, the time that the CPUs were idle, on average, in 100 ns.
function Get-CpuUsage($Before, $After) { # -> percent, or nothing where the counters are missing or stand still
    if (-not $Before -or -not $After) { return }
    $time = [long] $After.Timestamp_Sys100NS - [long] $Before.Timestamp_Sys100NS
    $idle = [long] $After.PercentProcessorTime - [long] $Before.PercentProcessorTime
    if ($time -gt 0) { Get-Percent ($time - $idle) $time }
}

function Read-Cpu { # -> percent over a second
    $before = Read-Counter
    Start-Sleep -Seconds 1
    $usage = Get-CpuUsage $before (Read-Counter)
    if ($null -ne $usage) { return $usage }
    $loads = @(foreach ($socket in Read-Class Win32_Processor) {
        if ($null -ne $socket.LoadPercentage) { $socket.LoadPercentage }
    })
    if ($loads.Count -eq 0) { throw 'Windows tells no CPU time (lodctr /r rebuilds its performance counters)' }
    $Troubles.Remove('Win32_PerfRawData_Counters_ProcessorInformation')
    Get-Percent (($loads | Measure-Object -Average).Average) 100
}

function Read-Memory($System) { # -> size and what is available, in KiB
    if ($System.TotalVisibleMemorySize -gt 0) {
        return @{ Size = [double] $System.TotalVisibleMemorySize; Free = [double] $System.FreePhysicalMemory }
    }
    $machine = Read-Class Win32_ComputerSystem | Select-Object -First 1
    $counter = Read-Class Win32_PerfFormattedData_PerfOS_Memory | Select-Object -First 1
    if (-not $machine.TotalPhysicalMemory -or -not $counter) { throw 'Windows does not tell how much memory is in use' }
    @{ Size = $machine.TotalPhysicalMemory / 1024; Free = $counter.AvailableBytes / 1024 }
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

function ConvertTo-Mount([string] $Name, $Size, $Free) { # -> an item of disk_usage, or nothing for what is locked
    if ([double] $Size -le 0) { return }
    $used = [double] $Size - [double] $Free
    [ordered] @{
        mount = $Name
        usage = Get-Percent $used $Size
        size = Format-Size $Size
        used = Format-Size $used
        avail = Format-Size $Free
    }
}

# Drives have a letter; volumes may be mounted in a folder instead (C:\Data\), or nowhere (\\?\Volume{...}\).
function Read-Mount { # -> the items of disk_usage
    $drives = @(Read-Class Win32_LogicalDisk 'DriveType = 3')
    foreach ($drive in $drives) { ConvertTo-Mount $drive.DeviceID $drive.Size $drive.FreeSpace }
    $letters = @(foreach ($drive in $drives) { $drive.DeviceID })
    foreach ($volume in Read-Class Win32_Volume 'DriveType = 3') {
        $name = "$($volume.Name)".TrimEnd('\')
        if ($name -match '\A[A-Za-z]:' -and $letters -notcontains $name) {
            ConvertTo-Mount $name $volume.Capacity $volume.FreeSpace
        }
    }
}

# The receiver takes 512 mounts of up to 1024 characters, and 256 KiB in all. The fullest ones stay.
function Limit-Mount($Items) { # -> those that fit, in their order
    $fitting = @($Items | Where-Object { $_.mount.Length -le 1024 })
    $kept = @{}
    $room = 245760 # bytes
    foreach ($item in $fitting | Sort-Object -Property { -$_.usage }) {
        $room -= (ConvertTo-AsciiJson $item).Length + 1
        if ($kept.Count -ge 512 -or $room -lt 0) { break }
        $kept[$item.mount] = $true
    }
    $out = @($Items).Count - $kept.Count
    if ($out -gt 0) { Write-Trouble "$out mounts are left out: a report holds 512 in 256 KiB, the fullest ones stay" }
    $fitting | Where-Object { $kept.ContainsKey($_.mount) }
}

# A switch, a team or a tunnel counts again what passes a card, so cards alone count; and of a cloud's two for one
# (a virtual function beside the synthetic card, of the same address) the one that counts more.
function Get-Traffic($Adapters, $Statistics) { # -> bytes since boot by field, empty without a card
    $addresses = @{}
    foreach ($adapter in $Adapters) {
        if (-not $adapter.HardwareInterface) { continue }
        $own = if ($adapter.PermanentAddress) { $adapter.PermanentAddress } else { "name $($adapter.Name)" }
        $addresses[$adapter.Name] = $own
    }
    $largest = @{}
    foreach ($one in $Statistics) {
        $address = $addresses[$one.Name]
        if (-not $address) { continue }
        $sum = [double] $one.ReceivedBytes + $one.SentBytes
        if ($largest[$address].Sum -ge $sum) { continue }
        $largest[$address] = @{ Sum = $sum; In = [long] $one.ReceivedBytes; Out = [long] $one.SentBytes }
    }
    $traffic = @{}
    foreach ($card in $largest.Values) {
        $traffic.network_rx_bytes = [long] $traffic.network_rx_bytes + $card.In
        $traffic.network_tx_bytes = [long] $traffic.network_tx_bytes + $card.Out
    }
    $traffic
}

function Read-Traffic {
    Get-Traffic (Read-Class MSFT_NetAdapter '' 'root/StandardCimv2') `
        (Read-Class MSFT_NetAdapterStatisticsSettingData '' 'root/StandardCimv2')
}

function Get-Report { # -> the report without the key; takes a second, and some 20 where Windows does not answer
    $Clock.Started = [Environment]::TickCount
    $usage = Read-Cpu
    $system = Read-Class Win32_OperatingSystem | Select-Object -First 1
    $memory = Read-Memory $system
    $report = [ordered] @{
        cpu_usage = $usage
        memory_usage = Get-Percent ($memory.Size - $memory.Free) $memory.Size
        memory_total_mb = [long] [Math]::Floor($memory.Size / 1024)
        disk_usage = [object[]] @(Limit-Mount @(Read-Mount))
        hostname = Limit-Text ([Net.Dns]::GetHostName())
    }
    if ($system.Caption) { $report.os = Limit-Text $system.Caption }
    if ($system.Version) { $report.kernel = Limit-Text $system.Version }
    $swap = Get-SwapUsage (Read-Class Win32_PageFileUsage)
    if ($null -ne $swap) { $report.swap_usage = $swap }
    $traffic = Read-Traffic
    foreach ($name in $traffic.Keys) { $report[$name] = $traffic[$name] }
    foreach ($class in $Troubles.Keys) { Write-Trouble "left out: $class does not answer: $($Troubles[$class])" }
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

function Test-Network([Net.IPAddress] $Address, [string] $Network) { # whether an address is of 10.0.0.0/8, fd00::/8
    $base, $bits = $Network -split '/', 2
    $known = $null
    if (-not [Net.IPAddress]::TryParse($base, [ref] $known)) { return $false }
    $own = $Address.GetAddressBytes()
    $other = $known.GetAddressBytes()
    if ($own.Length -ne $other.Length -or $bits -notmatch '\A[0-9]{1,3}\z') { return $false }
    for ($i = 0; $i -lt $own.Length; $i++) {
        $count = [Math]::Max(0, [Math]::Min(8, [int] $bits - 8 * $i)) # bits of this byte that count
        $mask = 256 - [Math]::Pow(2, 8 - $count)
        if (($own[$i] -band $mask) -ne ($other[$i] -band $mask)) { return $false }
    }
    $true
}

# Whether an entry of NO_PROXY (*, name, .domain, address, network, each but a network perhaps with a port) means it.
function Test-Exception([Uri] $Uri, [string] $Entry) {
    if ($Entry -eq '*') { return $true }
    $asked = $Uri.Host.Trim('[', ']')
    $address = $null
    $isAddress = [Net.IPAddress]::TryParse($asked, [ref] $address)
    if ($Entry -like '*/*') { return $isAddress -and (Test-Network $address $Entry) }
    $name, $port = $Entry, ''
    if ($Entry -match '\A\[(.+)\](?::([0-9]+))?\z' -or $Entry -match '\A([^:]+):([0-9]+)\z') {
        $name, $port = $Matches[1], $Matches[2]
    }
    if ($port -and [int] $port -ne $Uri.Port) { return $false }
    $name = $name -replace '\A\*?\.', ''
    $name -and ($asked -eq $name -or $asked.EndsWith(".$name", [StringComparison]::OrdinalIgnoreCase))
}

# -> 'direct', a proxy's address, or nothing: then the one that Windows knows, if any, is used
function Select-Proxy([Uri] $Uri, [string] $HttpProxy, [string] $HttpsProxy, [string] $NoProxy) {
    foreach ($entry in $NoProxy -split '[,\s]+') {
        if ($entry -and (Test-Exception $Uri $entry)) { return 'direct' }
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
    $request.UserAgent = "agentmon-agent/$Version (powershell; windows)"
    $request.AllowAutoRedirect = $false
    $request.KeepAlive = $false
    $request.Timeout = $Deadline * 1000
    $request.ReadWriteTimeout = $Deadline * 1000
    $proxy = Select-Proxy $request.RequestUri $env:HTTP_PROXY $env:HTTPS_PROXY $env:NO_PROXY
    if ($proxy -eq 'direct') { $request.Proxy = $null } elseif ($proxy) { $request.Proxy = ConvertTo-Proxy $proxy }
    $request
}

function Read-Answer($Response, [int] $Started) { # -> what came back; Text is the start of the body
    $stream = $Response.GetResponseStream()
    $buffer = New-Object -TypeName 'byte[]' -ArgumentList 8192
    $length = 0
    try {
        while ($length -lt $buffer.Length) {
            if ([Environment]::TickCount - $Started -gt $Deadline * 1000) { # each read has a limit of its own
                return @{ Status = 0; Retry = ''; Text = "Timeout: not all of its answer came within $Deadline s" }
            }
            $count = $stream.Read($buffer, $length, $buffer.Length - $length)
            if ($count -eq 0) { break }
            $length += $count
        }
        $text = [Text.Encoding]::UTF8.GetString($buffer, 0, $length)
        @{ Status = [int] $Response.StatusCode; Retry = $Response.Headers['Retry-After']; Text = $text }
    } finally {
        $Response.Dispose()
    }
}

function Set-Protocol { # SystemDefault (0) has what Windows has; only a fixed older set may lack TLS 1.2
    $now = [Net.ServicePointManager]::SecurityProtocol
    if ([int] $now -ne 0) { [Net.ServicePointManager]::SecurityProtocol = $now -bor [Net.SecurityProtocolType]::Tls12 }
    [Net.ServicePointManager]::Expect100Continue = $false # both would ask whether they may send before they do
}

function Send-ByDotNet([string] $Url, [string] $Body) { # -> the answer; Status is 0 if there was none
    Set-Protocol
    $started = [Environment]::TickCount
    $bytes = [Text.Encoding]::UTF8.GetBytes($Body)
    $request = Get-Request $Url
    try {
        $stream = $request.GetRequestStream()
        $stream.Write($bytes, 0, $bytes.Length)
        $stream.Dispose()
        Read-Answer $request.GetResponse() $started
    } catch [Net.WebException] {
        if ($_.Exception.Response) { return Read-Answer $_.Exception.Response $started }
        @{ Status = 0; Retry = ''; Text = Get-Cause $_.Exception }
    } catch [IO.IOException] {
        @{ Status = 0; Retry = ''; Text = Get-Cause $_.Exception }
    }
}

# Windows words a cause in its own language; its status (ConnectFailure) is the same in each, so that goes first.
function Get-Cause([Exception] $Exception) {
    $cause = $Exception.GetBaseException()
    $name = "$($Exception.Status)"
    if ($name -in '', 'UnknownError' -and $cause -is [Net.Sockets.SocketException]) {
        $name = "$($cause.SocketErrorCode)"
    }
    if ($cause -is [Security.Authentication.AuthenticationException]) {
        $hint = ' (does Windows trust its certificate? Import-Certificate adds a CA to Cert:\LocalMachine\Root)'
    }
    $name + ': ' + $cause.Message + $hint
}

# Windows trusts no CA and no key for one program alone; its curl.exe can. The body goes to its standard input.
function Send-ByCurl($Setting, [string] $Body) { # -> the answer; Status is 0 if there was none
    $words = @('-q', '-g', '-sS', '-i', '--stderr', '-', '--max-time', $Deadline, '-H', 'Expect:')
    $words += @('-H', 'Content-Type: application/json', '-A', "agentmon-agent/$Version (powershell; windows)")
    if ($Setting.Ca) { $words += @('--cacert', $Setting.Ca, '--ssl-no-revoke') }
    if ($Setting.Pin) { $words += @('-k', '--pinnedpubkey', $Setting.Pin) }
    $lines = @($Body | & (Get-Curl) @words '--data-binary' '@-' "$($Setting.Url)/agent/report")
    $answer = @{ Status = 0; Retry = ''; Text = ($lines -join ' ') -replace '\A.*?curl: ', '' }
    if ($LASTEXITCODE -ne 0) { return $answer }
    foreach ($line in $lines) { # the last status counts: a proxy speaks first
        if ($line -match '\AHTTP/\S+ ([1-5][0-9][0-9])') {
            $answer.Status = [int] $Matches[1]
            $answer.Retry = ''
        }
        if ($line -match '\ARetry-After:\s*(\S+)') { $answer.Retry = $Matches[1] }
    }
    $answer.Text = $lines[-1]
    $answer
}

function Send-Body($Setting, [string] $Body) { # -> the answer; Status is 0 if there was none
    if ($Setting.Url -like 'https:*' -and ($Setting.Pin -or $Setting.Ca)) { return Send-ByCurl $Setting $Body }
    Send-ByDotNet $Setting.Url $Body
}

function ConvertFrom-Answer([string] $Text) { # -> what the receiver's JSON holds, or nothing
    try { ConvertFrom-Json -InputObject $Text } catch { return }
}

function Get-Refusal([int] $Status, [string] $Message, [string] $Key) { # -> what an answer means, in words
    switch ($Status) {
        404 {
            if (Test-OwnKey $Key) { return 'does not know this key (404): its monitor was deleted or the key rotated' }
            return ('does not know this key (404), and it is none that agentmon made ' +
                '(amk_ and 40 letters or digits): was it copied whole?')
        }
        422 { return "refused the report (422): $Message" }
        429 { return "cannot take a report now (429): $Message" }
        503 { return "cannot take a report now (503): $Message" }
        default { return "answered $Status, which is not what an agentmon receiver says: $Message" }
    }
}

function Get-Verdict($Answer, $Setting) { # -> Status; Taken; Wait, seconds before another try, 0 for none; Says
    $said = ConvertFrom-Answer $Answer.Text
    $message = if ($said.message -is [string]) { $said.message } else { 'without a word' }
    $taken = $Answer.Status -eq 200 -and $said.status -eq 'ok'
    $wait = 0
    $busy = $Answer.Status -in 429, 503
    if ($busy -and $Answer.Retry -match '\A0*([0-9]|[12][0-9]|30)\z') { $wait = [int] $Matches[1] }
    $says = if ($taken) {
        'took the report'
    } elseif ($Answer.Status -eq 0) {
        "did not answer: $($Answer.Text)"
    } else {
        Get-Refusal $Answer.Status $message $Setting.Key
    }
    $line = Format-Line "the receiver at $($Setting.Url) $says"
    @{ Status = $Answer.Status; Taken = $taken; Wait = $wait; Says = $line }
}

function Save-Outcome([string] $Says) { # for status; only the scheduled task and administrators may
    if (-not [IO.Directory]::Exists($StateFolder)) { return }
    $time = Format-Number ([DateTime]::UtcNow) "yyyy-MM-dd'T'HH:mm:ss'Z'"
    try {
        [IO.File]::WriteAllText("$StateFolder\last", "$time $Says")
    } catch [UnauthorizedAccessException], [IO.IOException] {
        return # someone else's try, or two at once: the next report will be told
    }
}

function Send-Report($Setting) { # -> the verdict, after a second try if the receiver asked for one
    foreach ($attempt in 1, 2) {
        $body = ConvertTo-Body (Get-Report) $Setting.Key
        $verdict = Get-Verdict (Send-Body $Setting $body) $Setting
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
    foreach ($name in 'Url', 'Key', 'Pin') {
        $null = New-Item -ItemType File -Path "$DataFolder\$($name.ToLowerInvariant())" -Value $Setting[$name]
    }
    $null = New-Item -ItemType File -Path "$StateFolder\last" -Value $NoReport
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
      <StartBoundary>2024-01-01T00:00:$(Format-Number $Second '00')</StartBoundary>
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
      <Arguments>-NoProfile -NonInteractive -ExecutionPolicy Bypass -File "$Script"</Arguments>
    </Exec>
  </Actions>
</Task>
"@
}

# A first report, before anything is written: an agent that works is not replaced by one that does not.
function Test-Setting($Setting) { # ends the agent where the new settings cannot be meant
    $verdict = Send-Report $Setting
    if ($verdict.Taken) { return }
    if (Get-ScheduledTask -TaskName $TaskName -ErrorAction SilentlyContinue) {
        Exit-Agent 1 "$($verdict.Says); the agent that is installed stays as it was"
    }
    if ($verdict.Status -in 404, 422) { Exit-Agent 1 "$($verdict.Says); nothing is installed" }
}

function Register-Agent([string] $Script) {
    $program = "$env:SystemRoot\System32\WindowsPowerShell\v1.0\powershell.exe" # Windows always has this one
    $xml = Get-TaskXml $program $Script (Get-Random -Maximum 60)
    try {
        $null = Register-ScheduledTask -TaskName $TaskName -Xml $xml -Force
    } catch {
        Exit-Agent 1 "Windows does not take the scheduled task, so nothing is installed: $($_.Exception.Message)"
    }
}

function Install-Agent($Asked) {
    Assert-Administrator
    if (-not $PSCommandPath) { Exit-Agent 1 'install needs this script as a file' }
    $setting = Get-Setting
    if ($Asked.Url) { # what is stored may be another receiver's
        $setting.Url = $Asked.Url
        $setting.Pin = $env:AGENTMON_PIN
    }
    if ($Asked.Pin) { $setting.Pin = $Asked.Pin }
    if ($setting.Url -and -not $setting.Key) { $setting.Key = Read-Key }
    $setting = Confirm-Setting $setting
    Test-Setting $setting
    $script = "$LibFolder\agent.ps1"
    Register-Agent $script
    $null = New-Item -ItemType Directory -Force -Path $LibFolder
    if ($PSCommandPath -ne $script) { Copy-Item -LiteralPath $PSCommandPath -Destination $script -Force }
    Write-Setting $setting
    Write-FirstOutcome
}

# What an administrator can do, LOCAL SERVICE perhaps cannot: the task itself sends the next report, and tells.
function Wait-Task { # -> how it ended: its result, or nothing if it still runs after a minute
    Start-ScheduledTask -TaskName $TaskName
    for ($second = 0; $second -lt 60; $second++) {
        Start-Sleep -Seconds 1
        $result = (Get-ScheduledTaskInfo -TaskName $TaskName).LastTaskResult
        if ($result -notin 267009, 267011) { return $result } # it runs; it has not run yet
    }
}

function Write-FirstOutcome {
    $result = Wait-Task
    $last = Read-FirstLine "$StateFolder\last"
    $says = ($last -split ' ', 2)[1]
    if ($last -eq $NoReport) { $says = "the task ended with $result before it sent anything" }
    if ($null -eq $result) { $says = 'the task has not ended within a minute' }
    if ($says -notlike '* took the report') { Exit-Agent 1 "installed, but its first report failed: $says" }
    "agentmon-agent: $says"
    "agentmon-agent: installed; the scheduled task $TaskName runs $LibFolder\agent.ps1 every minute"
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

function Show-Status { # ends with 0 if the last report was taken, 1 if it failed, 3 if nothing runs the agent
    if (-not [IO.File]::Exists("$DataFolder\url")) {
        Exit-Agent 3 'not installed, or not for you to see: ask again as administrator'
    }
    $task = Get-ScheduledTask -TaskName $TaskName -ErrorAction SilentlyContinue
    $last = Read-FirstLine "$StateFolder\last"
    "receiver: $(Read-Stored 'url')"
    "settings: $DataFolder"
    "script:   $LibFolder\agent.ps1"
    "run by:   $(if ($task) { "the scheduled task $TaskName, $($task.State)" } else { 'nothing' })"
    "last:     $last"
    if (-not $task -or "$($task.State)" -eq 'Disabled') { exit 3 }
    if ($last -notlike '* took the report') { exit 1 }
}

function Send-Once {
    $own = $env:AGENTMON_URL -or $env:AGENTMON_KEY_FILE -or $env:AGENTMON_KEY # whose outcome is not the task's
    $setting = Confirm-Setting (Get-Setting)
    try {
        $verdict = Send-Report $setting
        $says = $verdict.Says
    } catch {
        $verdict = @{ Taken = $false }
        $says = Format-Line "cannot measure this machine: $($_.Exception.GetBaseException().Message)"
    }
    if (-not $own) { Save-Outcome $says }
    if (-not $verdict.Taken) { Exit-Agent 1 $says }
    $says
}

function Invoke-Agent([string[]] $Words) {
    $asked = Read-Argument $Words
    if ($asked.Problem) { Exit-Agent 2 $asked.Problem }
    try {
        switch ($asked.Command) {
            'send' { $null = Send-Once }
            'print' { ConvertTo-AsciiJson (Get-Report) }
            'test' { "agentmon-agent: $(Send-Once)" }
            'install' { Install-Agent $asked }
            'uninstall' { Uninstall-Agent }
            'status' { Show-Status }
            'help' { Get-Usage }
        }
    } catch { # one line, whatever it was
        Exit-Agent 1 ($_.Exception.GetBaseException().Message)
    }
}

if ($MyInvocation.InvocationName -ne '.') {
    if ("$($ExecutionContext.SessionState.LanguageMode)" -ne 'FullLanguage') { # what follows would be a page of red
        Write-Host ('agentmon-agent: a policy (AppLocker, WDAC) holds PowerShell in Constrained Language Mode, where ' +
            'this script cannot run; -ExecutionPolicy Bypass does not help, a rule that trusts this script does')
        exit 1
    }
    Invoke-Agent $args
    exit 0
}
