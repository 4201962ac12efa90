#!/bin/sh
# agentmon-agent: tells an agentmon receiver how this Linux machine is. One run sends one report.
# It needs a POSIX sh, awk, df, and curl or wget, and changes nothing on the machine unless told to `install`.
# shellcheck disable=SC1091,SC2016  # os-release is not here to be checked; awk's $ stands in single quotes

version=0.2.0
set -u
umask 077
LC_ALL=C PATH=${PATH:-/bin}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin
export LC_ALL PATH
key=${AGENTMON_KEY:-}
unset AGENTMON_KEY # it is no business of the programs that run below

usage() {
    cat <<'EOF'
usage: agent.sh             send one report; this is what cron or a timer runs
       agent.sh --print     show the report, without the key, and send nothing
       agent.sh test        send one report and explain the answer
       agent.sh install --url URL [--cacert FILE] [--pin sha256//BASE64=]
                            report every minute; asks for the key unless AGENTMON_KEY or AGENTMON_KEY_FILE is set
       agent.sh status      what is installed, and how the last report went
       agent.sh uninstall   remove all that install made
AGENTMON_URL, AGENTMON_KEY_FILE or AGENTMON_KEY, AGENTMON_CA (a private CA's certificate), AGENTMON_PIN (the public
key to trust), http_proxy, https_proxy and no_proxy win over what install wrote, which are those that it found.
Exit: 0 sent, 1 failed, 2 wrong usage. status: 0 the last report was taken, 1 it failed, 3 nothing runs the agent.
EOF
}

tell() { printf 'agentmon-agent: %s\n' "$1"; }
fail() { # STATUS TEXT
    tell "$2" >&2
    exit "$1"
}

# ---- Settings. One folder holds all that install writes, but for what systemd or cron keep themselves.

root_folder=/etc/agentmon-agent
user_folder=${XDG_CONFIG_HOME:-${HOME:-/nonexistent}/.config}/agentmon-agent

settings() { # sets url, ca, pin, key or key_file, and note and state: what is written; the environment wins
    url=${AGENTMON_URL:-} ca=${AGENTMON_CA:-} pin=${AGENTMON_PIN:-} key_file=${AGENTMON_KEY_FILE:-}
    stored=$root_folder/agent.conf
    [ -r "$stored" ] || stored=$user_folder/agent.conf
    [ -z "$url$key_file$key" ] && note=${stored%/*}/last || note='' # other settings, other outcome
    state=${note:+${stored%/*}/state}
    [ -r "$stored" ] || return 0
    while IFS= read -r line; do
        value=${line#*=}
        case $line in
        AGENTMON_URL=*) url=${url:-$value} ;;
        AGENTMON_CA=*) ca=${ca:-$value} ;;
        AGENTMON_PIN=*) pin=${pin:-$value} ;;
        AGENTMON_KEY_FILE=*) [ -n "$key" ] || key_file=${key_file:-$value} ;;
        http_proxy=*) export http_proxy="${http_proxy-$value}" ;;
        https_proxy=*) export https_proxy="${https_proxy-$value}" ;;
        no_proxy=*) export no_proxy="${no_proxy-$value}" ;;
        esac
    done <"$stored"
}

check_settings() { # ends the run if they cannot work; fills key from key_file, sets client
    while [ "$url" != "${url%/}" ]; do url=${url%/}; done
    case $url in
    '') fail 2 "no receiver: set AGENTMON_URL, or install --url URL" ;;
    *[!!-~]* | *[\"\\\'\<\>?#@]*) fail 2 "the receiver's URL holds characters that do not belong there" ;;
    http://?* | https://?*) ;;
    *) fail 2 "the receiver's URL starts with http:// or https://" ;;
    esac
    case $pin in '' | sha256//*=) ;; *) fail 2 "a pin looks like sha256//BASE64=" ;; esac
    [ -z "$ca" ] || [ -r "$ca" ] || fail 1 "cannot read the CA certificate $ca"
    [ -z "$key_file" ] || read_key_file
    check_key
    choose_client
}

read_key_file() {
    case $(ls -ldL -- "$key_file" 2>/dev/null) in
    '') fail 1 "there is no key file $key_file" ;;
    ?r??------*) IFS= read -r key <"$key_file" ;;
    *) fail 1 "others may read the key file $key_file: chmod 600 it" ;;
    esac
}

check_key() {
    blank=$(printf ' \t\r') # a file from Windows ends its lines with \r
    key=${key#"${key%%[!"$blank"]*}"}
    key=${key%"${key##*[!"$blank"]}"}
    case $key in
    '') fail 2 "no key: set AGENTMON_KEY_FILE or AGENTMON_KEY, or run install" ;;
    *"$(printf '\342\200\242')"* | *"$(printf '\342\200\246')"* | *'**'*) # the console's dots, an ellipsis
        fail 1 "this key was copied while it was hidden: press v or i in the console, then copy it again" ;;
    *[!!-~]*) fail 1 "the key is malformed: printable ASCII characters without spaces are expected" ;;
    esac
    [ "${#key}" -le 128 ] || fail 1 "the key is longer than 128 characters"
    if [ "${#key}" -lt 24 ] || made_by_agentmon; then return; fi # a short one is somebody's own, given with --key
    case $key in amk_*) fail 1 "this key is damaged: amk_ and 40 letters or digits were expected, but it has ${#key} \
characters: copy it again" ;; esac
}

made_by_agentmon() { # whether the key looks like those that agentmon makes; --key may bring others
    case ${key#amk_} in "$key" | *[!0-9A-Za-z]*) return 1 ;; esac
    [ "${#key}" = 44 ]
}

# ---- The report: each system prints its readings, a line each; what is shared turns them into JSON.
#
#   ticks cpu USER NICE SYSTEM IDLE IOWAIT …    before, then after; or  cpu USAGE [IOWAIT]  in percent
#   memory TOTAL AVAILABLE, swap TOTAL FREE     KiB
#   disk SIZE USED AVAIL MOUNT                  KiB; a line of `df -P -k` does as well
#   network RX TX, load ONE FIVE FIFTEEN, os TEXT, hostname TEXT, kernel TEXT

readings() {
    case $(uname -s 2>/dev/null) in
    *) linux_readings ;;
    esac
}

collect() { # prints the report as one line of JSON, without the key; takes a second
    [ -r /proc/stat ] || fail 1 "there is no /proc/stat: this agent is for Linux, see \`agentmon agent\` elsewhere"
    readings | awk '
    function ceil(x) { return int(x) < x ? int(x) + 1 : int(x) }
    function percent(part, whole,   p) {
        p = whole > 0 ? 100 * part / whole : 0
        return sprintf("%.1f", p < 0 ? 0 : p > 100 ? 100 : p)
    }
    function human(kib,   unit) { # as df -h: powers of 1024, rounded up
        if (kib <= 0) return "0"
        for (unit = 1; ceil(kib) >= 1024; unit++) kib /= 1024
        return (ceil(kib * 10) < 100 ? sprintf("%.1f", ceil(kib * 10) / 10) : ceil(kib)) substr("KMGTPE", unit, 1)
    }
    function json(s) { # control characters become "?", as in df, and so does all that is not ASCII if it is no UTF-8
        gsub(/[\001-\037]/, "?", s); gsub(/["\\]/, "\\\\&", s)
        if (s !~ utf8) gsub(/[\200-\377]/, "?", s)
        return "\"" s "\""
    }
    function add(name, value) { report = report (report == "" ? "" : ",") "\"" name "\":" value }
    function rest(line, words) { while (words-- > 0) sub(/^[^ ]* */, "", line); return line }
    function text(name) { if (name in said) add(name, json(substr(said[name], 1, 255))) }

    function cpu(   b, a, i, all, idle, iowait) { # user nice system idle iowait irq softirq steal; guest is within user
        split(before, b); split(after, a)
        for (i = 2; i <= 9; i++) all += a[i] - b[i]
        idle = a[5] > b[5] ? a[5] - b[5] : 0
        iowait = a[6] > b[6] ? a[6] - b[6] : 0
        add("cpu_usage", percent(all - idle - iowait, all)); add("cpu_iowait", percent(iowait, all))
    }
    function disk(size, used, avail, mount) {
        if (size <= 0 || used + avail <= 0 || seen[mount]++) return
        items = items (items ? "," : "") "{\"mount\":" json(mount) ",\"usage\":" percent(used, used + avail)
        items = items ",\"size\":\"" human(size) "\",\"used\":\"" human(used) "\",\"avail\":\"" human(avail) "\"}"
    }
    BEGIN {
        t = "[\200-\277]"
        utf8 = "^([ -\177]|[\302-\337]" t "|\340[\240-\277]" t "|[\341-\354\356\357]" t t "|\355[\200-\237]" t \
            "|\360[\220-\277]" t t "|[\361-\363]" t t t "|\364[\200-\217]" t t ")*$"
    }
    $1 == "ticks" { before = after; after = rest($0, 1); next }
    $1 == "cpu" { usage = percent($2, 100); iowait = NF > 2 ? percent($3, 100) : ""; next }
    $1 ~ /^(memory|swap|network|load)$/ { first[$1] = $2; second[$1] = $3; third[$1] = $4; next }
    $1 ~ /^(os|hostname|kernel)$/ { if (NF > 1) said[$1] = rest($0, 1); next }
    $1 == "disk" { disk($2, $3, $4, rest($0, 4)); next }
    match($0, / +[0-9]+ +-?[0-9]+ +-?[0-9]+ +[0-9-]+%? +\//) {
        split(substr($0, RSTART, RLENGTH - 1), f)
        disk(f[1], f[2], f[3], substr($0, RSTART + RLENGTH - 1))
    }
    END {
        if (after != "") cpu(); else { add("cpu_usage", usage); if (iowait != "") add("cpu_iowait", iowait) }
        add("memory_usage", percent(first["memory"] - second["memory"], first["memory"]))
        add("memory_total_mb", sprintf("%.0f", int(first["memory"] / 1024)))
        if (first["swap"] > 0) add("swap_usage", percent(first["swap"] - second["swap"], first["swap"]))
        add("disk_usage", "[" items "]")
        if ("network" in first) {
            add("network_rx_bytes", sprintf("%.0f", first["network"]))
            add("network_tx_bytes", sprintf("%.0f", second["network"]))
        }
        if (third["load"] != "") {
            add("load_1m", first["load"]); add("load_5m", second["load"]); add("load_15m", third["load"])
        }
        text("os"); text("hostname"); text("kernel")
        print "{" report "}"
    }'
}

# ---- Linux.

linux_mounts() { # file systems on a device, zfs, and "/" whatever holds it; no memory, and no images (always full)
    awk '
    FILENAME ~ /filesystems/ { if (NF == 1) local[$1]; next }
    !($2 in device) { order[++n] = $2 }
    { device[$2] = $1; type[$2] = $3 } # mounted over another, the last one is seen
    END {
        local["zfs"]
        for (i = 1; i <= n; i++) {
            m = order[i]; d = device[m]
            if (type[m] ~ /^(squashfs|erofs|cramfs|romfs|iso9660|udf|tmpfs|ramfs|rootfs)$/) continue
            if (m != "/" && !(type[m] in local) || length(m) > 1024) continue
            if (!(d in best) || length(m) < length(best[d])) best[d] = m # mounted twice: the shortest
        }
        for (i = 1; i <= n && shown < 512; i++) if (best[device[order[i]]] == order[i] && ++shown) print order[i]
    }' /proc/filesystems /proc/mounts
}

linux_disks() { # what df says of them: a dead one is given five seconds, a file (in containers) is none
    set --
    while IFS= read -r mount; do
        case $mount in *\\*) mount=$(printf '%b' "$mount") ;; esac # a space is \040
        if [ -d "$mount" ]; then set -- "$@" "$mount"; fi
    done <<EOF
$(linux_mounts)
EOF
    [ $# -eq 0 ] || ${limit:+timeout 5} df -P -k -- "$@"
}

linux_readings() {
    # A card has a device. One that works for a master with a device of its own is counted there (cloud VMs).
    cards=' '
    for dir in /sys/class/net/*; do
        if [ -e "$dir/device" ] && [ ! -e "$dir/master/device" ]; then cards="$cards${dir##*/} "; fi
    done
    read -r before </proc/stat
    sleep 1
    read -r after </proc/stat
    printf 'ticks %s\nticks %s\n' "$before" "$after"
    os=$(exec 2>/dev/null && . /etc/os-release && printf '%s' "${PRETTY_NAME:-}") # made to be read by a shell
    printf 'os %s\n' "${os:-Linux}"
    awk -v cards="$cards" '
    function first(file,   line) { line = ""; getline line < file; close(file); return line }
    function memory(   line, f, m, free) {
        while ((getline line < "/proc/meminfo") > 0) { split(line, f); m[f[1]] = f[2] }
        free = "MemAvailable:" in m ? m["MemAvailable:"] : m["MemFree:"] + m["Buffers:"] + m["Cached:"]
        print "memory", m["MemTotal:"], free
        print "swap", m["SwapTotal:"], m["SwapFree:"]
    }
    # Bytes since boot over the cards; without any (containers), over all that is no loopback, bridge or tunnel.
    function network(   line, f, rx, tx, seen, virtual) {
        virtual = "^(lo$|veth|br|docker|virbr|vnet|cni|cali|flannel|tun|tap|wg|tailscale|zt|ifb|dummy|sit|gre|ip6tnl)"
        while ((getline line < "/proc/net/dev") > 0) {
            if (!sub(/:/, " ", line)) continue
            split(line, f)
            if (cards == " " ? f[1] ~ virtual : !index(cards, " " f[1] " ")) continue
            rx += f[2]; tx += f[10]; seen = 1
        }
        if (seen) printf "network %.0f %.0f\n", rx, tx
    }
    BEGIN {
        memory(); network()
        print "load", first("/proc/loadavg")
        print "hostname", first("/proc/sys/kernel/hostname")
        print "kernel", first("/proc/sys/kernel/osrelease")
    }'
    linux_disks 2>/dev/null
}

# ---- Sending.

user_agent() { # agentmon-agent/VERSION (sh; SYSTEM)
    case $(uname -s 2>/dev/null) in Darwin) os=macos ;; FreeBSD) os=freebsd ;; *) os=linux ;; esac
    agent="agentmon-agent/$version (sh; $os)"
}

choose_client() { # sets client: curl, or the wget that this is by its own help; ends the run if none here will do
    user_agent
    client=curl
    if command -v curl >/dev/null; then return; fi
    [ -z "$pin" ] || fail 1 "to trust a pinned public key needs curl: install it, or use --cacert"
    wget_help=$(wget --help 2>&1)
    case $wget_help in
    *GNU*) client=gnu-wget ;; # 1.x and Wget2
    *uclient* | *post-file*ca-certificate*) client=uclient-fetch ;; # OpenWrt's
    *post-file*) client=busybox-wget ;;
    *) fail 1 "neither curl nor a wget that can post a file is here: install curl" ;;
    esac
    case $client$url in busybox-wget*https*) fail 1 "https needs curl or GNU wget: this wget checks no certificates" ;; esac
}

curl_() { # without a curlrc; -k is safe where the public key is pinned
    curl -q -g -sS -A "$agent" --connect-timeout 10 --max-time 20 ${ca:+--cacert "$ca"} \
        ${pin:+-k --pinnedpubkey "$pin"} "$@"
}

wget_() { # without a wgetrc, and without the .wget-hsts that GNU's leaves
    [ -z "$ca" ] || set -- "--ca-certificate=$ca" "$@"
    case $wget_help in
    *user-agent*) set -- "--user-agent=$agent" "$@" ;;
    *) set -- "--header=User-Agent: $agent" "$@" ;;
    esac
    case $client in
    gnu-wget)
        case $wget_help in *content-on-error*) set -- --content-on-error "$@" ;; esac # since 1.14
        set -- -nv -T 20 -t 1 --max-redirect=0 "$@"
        ;;
    uclient-fetch) set -- --timeout=20 "$@" ;; # without -q, which silences its errors, too
    busybox-wget) set -- -q -S "$@" ;; # and no -T, on which some crash
    esac
    HOME=/nonexistent ${limit:+timeout 25} wget -O - "$@"
}

post() { # sends $body, which holds the key, so no argument; prints all that came back, and the client's own complaint
    set -- 'Content-Type: application/json' "$url/agent/report"
    if [ "$client" = curl ]; then
        printf '%s\n' "$body" | curl_ -i -H 'Expect:' -H "$1" --data-binary @- "$2"
    elif file=$(mktemp); then
        trap 'rm -f "$file"' EXIT
        trap 'exit 1' HUP INT TERM
        printf '%s\n' "$body" >"$file"
        set -- "--header=$1" "--post-file=$file" "$2"
        [ "$client" != gnu-wget ] || set -- -S -o /dev/stderr "$@"
        wget_ "$@"
    fi 2>&1
}

answer() { # from $reply: a line each with the status, the seconds of Retry-After, and the receiver's message
    printf '%s\n' "$reply" | awk '
    { sub(/\r$/, "") }
    match($0, /HTTP\/[0-9.]+ [1-5][0-9][0-9]/) || match($0, /HTTP error [1-5][0-9][0-9]/) {
        code = substr($0, RSTART + RLENGTH - 3, 3); wait = "" # the last one counts: a proxy speaks first
    }
    tolower($1) == "retry-after:" && $2 ~ /^[0-9]+$/ && length($2) <= 2 { wait = $2 }
    match($0, /"message": "/) { message = substr($0, RSTART + RLENGTH); sub(/".*/, "", message) }
    END { print code; print wait; print message }'
}

complaint() { # the line of the client, in $reply, that names the cause
    printf '%s\n' "$reply" | sed -n -e '/^[Uu]sage:/q' -e '/^curl: try /d' -e '/insecurely/d' -e 's/^curl: //p' \
        -e 't' -e '/[^ ]/p' | case $client in curl) sed -n '1p' ;; *) sed -n '$p' ;; esac
}

explain() { # sets code and says from $reply, and wait: the seconds after which to try again, or 0
    wait=0 hint='' proxy=${http_proxy:-}
    case $url in https*) proxy=${https_proxy:-${HTTPS_PROXY:-}} ;; esac
    proxy=${proxy:+ (a proxy is set: is it the right one? busybox wget cannot report through any)}
    { read -r code; read -r after; IFS= read -r message; } <<EOF
$(answer)
EOF
    message=${message:-without a word}
    case $code in
    '') [ "$sent" != 0 ] || code=200 ;; # a client that shows no status, and no error
    esac
    case $code in
    '') no_answer ;;
    404)
        says="does not know this key (404): its monitor was deleted or the key rotated"
        made_by_agentmon || says="does not know this key (404), and it is none that agentmon made (amk_ and 40 \
letters or digits): was it copied whole?" ;;
    422) says="refused the report (422): $message" ;;
    429 | 503)
        says="cannot take a report now ($code): $message"
        [ "${after:-31}" -gt 30 ] || wait=$after
        ;;
    *) says="answered $code, which is not what an agentmon receiver says: $message$proxy" ;;
    esac
    says="the receiver at $url $(printf '%s' "$says" | tr -cd ' -~' | cut -c 1-400)"
}

no_answer() { # sets says for a call that brought no answer: what the client said, and what that mostly means
    says=$(complaint)
    case $says in
    *pinnedpubkey*unknown* | *"doesn't support"*) hint='this curl cannot check a pinned key: update it, or use --cacert' ;;
    *[Rr]esolv* | *'bad address'*) hint='is the name in the URL right, and does DNS work here?' ;;
    *nreachable* | *'o route'*) hint='no network leads there from here' ;;
    *[Rr]efused* | *onnect\ to* | *'onnection failed'*) hint='does agentmon run there, is the port right, is the way there open?' ;;
    *'timed out'* | *timeout*) hint='most likely a firewall drops it' ;;
    *'not yet '*) hint='is the clock of this machine right?' ;;
    *'wrong version'* | *'establish SSL'* | *reset* | *'mpty reply'*) hint='does it speak https, or http alone?' ;;
    *pinned* | *'public key'*) hint='it has a new key, or is another: take a fresh install line' ;;
    *ertificate* | *SSL* | *TLS*) hint='its certificate is not trusted here, see --cacert and --pin' ;;
    *'nrecognized option'* | *'nvalid option'*) hint='this wget cannot do it: install curl' ;;
    esac
    says="did not answer: $says${hint:+: $hint}$proxy"
}

send() { # sets says and code; 0 when the report was taken
    check_settings
    json_key=$(printf '%s' "$key" | sed 's/["\\]/\\&/g')
    for try in 1 2; do
        report=$(collect) || exit 1
        body="{\"agent_key\":\"$json_key\",${report#?}"
        reply=$(post) && sent=0 || sent=$?
        case $sent$reply in
        0*\"status\":*\"ok\"*) code=200 wait=0 taken=0 says="the receiver at $url took the report" ;;
        *) taken=1 && explain ;;
        esac
        if [ "$try" = 2 ] || [ "$wait" = 0 ]; then break; fi
        sleep "$wait"
    done
    [ ! -w "$note" ] || write_note
    return "$taken"
}

write_note() { # how it went, for status; and what memory was seen, for install to compare
    printf '%s %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$says" >"$note"
    [ ! -w "$state" ] || memory_of "$report" >"$state/memory_total_mb"
}

memory_of() { # REPORT
    set -- "${1#*\"memory_total_mb\":}"
    printf '%s\n' "${1%%[!0-9]*}"
}

# ---- systemd: a timer of the system that starts a unit of the agent's own user. For root alone.

unit=/etc/systemd/system/agentmon-agent

systemd_here() { [ -n "$root" ] && [ -d /run/systemd/system ] && command -v systemctl >/dev/null; }

systemd_unit() { # CONFINED: yes, or nothing where the kernel gives a unit no mount namespace (some containers)
    # What its user cannot do anyway is not forbidden once more. ProtectHome=yes would hide a /home that is a file
    # system of its own from df. ProtectProc, ProcSubset, ProtectKernelTunables and ProtectControlGroups would mount a
    # fresh /proc, without the figures that lxcfs gives a container; PrivateDevices would hide /dev/zfs.
    put 644 "$unit.service" "[Unit]
Description=agentmon agent: send one report
[Service]
Type=oneshot
User=${user:-root}
ExecStart=/bin/sh $folder/agent.sh
TimeoutStartSec=2min
MemoryMax=64M
NoNewPrivileges=yes
CapabilityBoundingSet=
DevicePolicy=closed
DeviceAllow=/dev/zfs rw
KillMode=process
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RestrictNamespaces=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service${1:+
ProtectSystem=strict
ReadWritePaths=-$folder/last -$folder/state
ProtectHome=read-only
PrivateTmp=yes}"
    systemctl daemon-reload || fail 1 "systemd did not read the new unit"
}

systemd_schedule() { # SECOND
    put 644 "$unit.timer" "[Unit]
Description=agentmon agent: report every minute
[Timer]
OnCalendar=*:*:$1
AccuracySec=1s
[Install]
WantedBy=timers.target"
    systemd_unit yes
    systemctl -q enable --now agentmon-agent.timer || fail 1 "systemd did not start the timer"
}

systemd_run_once() { # runs the unit itself: what a shell can do, a confined unit perhaps cannot
    systemctl start agentmon-agent.service 2>/dev/null && return
    [ "$(cat "$folder/last")" = "$no_report" ] || return # it ran, and its report was not taken
    tell "the unit cannot be confined here ($(systemd_result)): it runs as its user alone"
    systemd_unit ''
    systemctl start agentmon-agent.service 2>/dev/null && return
    why=$(systemd_result)
    return 1
}

systemd_result() { # how the unit ended: 226 is a namespace that the kernel did not give it
    systemctl show -p Result -p ExecMainStatus agentmon-agent.service | tr '\n' ' '
}

systemd_unschedule() {
    [ -n "$root" ] && [ -e "$unit.timer" ] || return 0
    systemctl -q disable --now agentmon-agent.timer
    systemctl -q stop agentmon-agent.service
    rm -f "$unit.service" "$unit.timer"
    systemctl daemon-reload
}

systemd_runs() { # whether the timer goes
    [ -e "$unit.timer" ] && [ "$(systemctl is-active agentmon-agent.timer 2>/dev/null)" = active ]
}

hides_lxcfs() { # names the options of the unit on this machine by which a container reads its host's /proc
    [ -e "$unit.service" ] || return 0
    awk -F= '$1 ~ /^(ProtectProc|ProcSubset|ProtectKernelTunables|ProtectControlGroups)$/ && $2 !~ /^(no|default|all)/ {
        printf "%s ", $1
    }' "$unit.service"
}

# ---- cron: a line in the crontab of the one who runs the agent; /etc/crontab where no command keeps those (Synology).

cron_mark='# agentmon-agent'
system_crontab=/etc/crontab

cron_here() { command -v crontab >/dev/null || { [ -n "$root" ] && [ -w "$system_crontab" ]; }; }

cron_of() { # USER ARGUMENTS; the agent's own crontab and no file in /etc/cron.d, of which busybox knows nothing
    whose=$1
    shift
    if [ -n "$root" ]; then crontab -u "${whose:-$(id -un)}" "$@"; else crontab "$@"; fi 2>/dev/null
}

cron_schedule() { # SECOND
    command="sleep $1; sh '$folder/agent.sh' >/dev/null 2>&1 $cron_mark"
    if [ -n "$cron_file" ]; then
        put 600 "$cron_file" "* * * * * $command"
        update_cron || fail 1 "update_cron did not take $cron_file"
    elif command -v crontab >/dev/null; then
        { cron_of "$user" -l; echo "* * * * * $command"; } | cron_of "$user" - || fail 1 "crontab did not take the line"
    else
        printf '*\t*\t*\t*\t*\t%s\t%s\n' "${user:-root}" "$command" >>"$system_crontab" # tabs: Synology asks for them
        for restart in 'synosystemctl restart crond' 'synoservice -restart crond' '/etc/init.d/cron restart'; do
            $restart >/dev/null 2>&1 && break
        done
    fi
}

cron_unschedule() { # of the agent's user, and one's own: an earlier agent.sh's, or there is no other user
    if [ -n "$cron_file" ]; then
        [ ! -e "$cron_file" ] || { rm -f "$cron_file" && update_cron; }
    elif command -v crontab >/dev/null; then
        for name in "$(id -un)" ${root:+agentmon-agent}; do
            cron_of "$name" -l | grep -q "$cron_mark\$" || continue
            rest=$(cron_of "$name" -l | grep -v "$cron_mark\$")
            if [ -n "$rest" ]; then printf '%s\n' "$rest" | cron_of "$name" -; else cron_of "$name" -r; fi
        done
    elif [ -n "$root" ] && grep -qs "$cron_mark\$" "$system_crontab"; then
        rest=$(grep -v "$cron_mark\$" "$system_crontab")
        printf '%s\n' "$rest" >"$system_crontab"
    fi
}

cron_line() { # whether it is there
    if [ -n "$cron_file" ]; then cat "$cron_file" 2>/dev/null; elif command -v crontab >/dev/null; then cron_of "$user" -l; else cat "$system_crontab" 2>/dev/null; fi |
        grep -q "$cron_mark\$"
}

cron_runs() { cron_line && grep -qsE '^(cron|crond|fcron|cronie|dcron)$' /proc/[0-9]*/comm; }

# ---- Systems that forget what is written to /etc: OpenWrt's upgrades keep what is listed, Unraid keeps /boot alone.

forgets_users='' cron_file=''
if [ -e /etc/unraid-version ]; then
    root_folder=/boot/config/plugins/agentmon-agent
    forgets_users=yes cron_file=$root_folder/agentmon-agent.cron
fi
kept_list=/etc/sysupgrade.conf
kept_mark='# agentmon-agent: kept across upgrades'

keep_across_upgrades() {
    [ -n "$root" ] && [ -e "$kept_list" ] || return 0
    grep -q "^$kept_mark\$" "$kept_list" || printf '%s\n' "$kept_mark" "$folder/" /etc/crontabs/ >>"$kept_list"
}

forget_upgrades() {
    grep -qs "^$kept_mark\$" "$kept_list" || return 0
    rest=$(sed -e "/^$kept_mark\$/{N;N;d" -e '}' "$kept_list")
    printf '%s\n' "$rest" >"$kept_list"
}

# ---- Installing: for root, with a user of its own that does the work; for everyone else, as oneself.

no_report='no report yet'

places() { # sets root, folder, user: '' for the one who runs this; old_…: what an earlier agent.sh made
    root='' user='' folder=$user_folder
    old_lib=${XDG_DATA_HOME:-${HOME:-}/.local/share}/agentmon-agent old_state=$old_lib
    [ "$(id -u)" = 0 ] || return 0
    root=yes folder=$root_folder old_lib=/usr/local/lib/agentmon-agent old_state=/var/lib/agentmon-agent
    [ -z "$forgets_users" ] && can_make_user && user=agentmon-agent
}

can_make_user() { # and run something as that user: OpenWrt, Synology and Unraid cannot
    command -v su >/dev/null && { command -v useradd >/dev/null || command -v adduser >/dev/null; }
}

make_user() { # it cannot log in, and shares its group with nobody, for the settings are readable by the group
    id "$user" >/dev/null 2>&1 && return
    if command -v useradd >/dev/null; then
        useradd -r -M -d / -s /bin/false "$user"
    elif command -v addgroup >/dev/null && addgroup -S "$user" 2>/dev/null; then # busybox
        adduser -S -D -H -h / -s /bin/false -G "$user" "$user"
    else
        adduser -S -D -H -h / -s /bin/false "$user"
    fi || fail 1 "cannot make the user $user"
}

remove_user() {
    id agentmon-agent >/dev/null 2>&1 || return 0
    # Who is busy with a report, or sleeps until its second, cannot be removed.
    find /proc -maxdepth 1 -name '[0-9]*' -user agentmon-agent | while IFS= read -r dir; do kill -9 "${dir##*/}"; done
    if command -v userdel >/dev/null; then
        userdel agentmon-agent 2>/dev/null || { sleep 1 && userdel agentmon-agent; } # until they are dead
    else
        deluser agentmon-agent
        command -v delgroup >/dev/null && delgroup agentmon-agent 2>/dev/null
    fi
}

put() { # MODE FILE TEXT; whole or not at all, and never readable by more people in between
    { printf '%s\n' "$3" >"$2.new" && chmod "$1" "$2.new" && mv -f "$2.new" "$2"; } || fail 1 "cannot write $2"
}

ask_key() { # from the terminal, which is not standard input when the script is piped into sh
    stty -echo 2>/dev/null </dev/tty || return 0
    trap 'stty echo </dev/tty' EXIT
    trap 'exit 1' HUP INT TERM
    printf 'Agent key (not shown%s): ' "${key_file:+; none to keep the one that is here}" >/dev/tty
    IFS= read -r key </dev/tty
    echo >/dev/tty
    [ -z "$key" ] || key_file=''
}

install_agent() { # OPTIONS
    settings
    [ $# -eq 0 ] || ca=${AGENTMON_CA:-} pin=${AGENTMON_PIN:-} # what is stored may be another receiver's
    install_options "$@"
    options=${key_file:+$#} # of what is installed already, and told nothing new, the key stays as well
    if [ -z "$key${AGENTMON_KEY_FILE:-}" ] && [ "$options" != 0 ]; then ask_key; fi
    check_settings
    places
    choose_scheduler
    fetch_script
    try_settings
    write_files
    unschedule
    schedule
    unset AGENTMON_URL AGENTMON_KEY_FILE AGENTMON_CA AGENTMON_PIN
    first_report
}

install_options() { # sets url, ca and pin
    option=''
    for word; do
        word=$option$word option=''
        case $word in
        --url | --cacert | --pin) option=$word= ;;
        --url=*) url=${word#*=} ;;
        --cacert=*) ca=${word#*=} ;;
        --pin=*) pin=${word#*=} ;;
        *) fail 2 "install does not know $word; see --help" ;;
        esac
    done
    [ -z "$option" ] || fail 2 "${option%=} needs a value"
}

fetch_script() { # sets script: this very file, or, piped into sh, what the receiver gives once more
    if [ -f "$0" ] && grep -q '^# agentmon-agent:' "$0"; then script=$(cat "$0"); else
        script=$(if [ "$client" = curl ]; then curl_ -f "$url/agent.sh"; else wget_ -q "$url/agent.sh"; fi 2>/dev/null)
    fi
    case $script in
    '#!/bin/sh'*'main "$@"') ;;
    *) fail 1 "could not download $url/agent.sh: wrong URL, or is the receiver down?" ;;
    esac
}

try_settings() { # a first report, before anything is written: an agent that works is not replaced by one that does not
    note='' state=''
    send && tried="$(date -u +%Y-%m-%dT%H:%M:%SZ) $says" && return
    if [ -e "$folder/agent.conf" ]; then fail 1 "$says; the agent that is installed stays as it was"; fi
    case $code in 404 | 422) fail 1 "$says; nothing is installed" ;; esac
    tell "$says; the agent is installed all the same and tries again each minute" >&2
}

write_files() {
    { (umask 022 && mkdir -p "$folder") && chmod 700 "$folder"; } || fail 1 "cannot write to $folder"
    { mkdir -p "$folder/state" && chmod 700 "$folder/state"; } || fail 1 "cannot write to $folder"
    put 755 "$folder/agent.sh" "$script"
    put 600 "$folder/key" "$key"
    put 600 "$folder/last" "$no_report"
    if [ -n "$ca" ]; then put 644 "$folder/ca.pem" "$(cat "$ca")" && ca=$folder/ca.pem; else rm -f "$folder/ca.pem"; fi
    put 600 "$folder/agent.conf" "AGENTMON_URL=$url
AGENTMON_KEY_FILE=$folder/key
AGENTMON_CA=$ca
AGENTMON_PIN=$pin
http_proxy=${http_proxy:-}
https_proxy=${https_proxy-${HTTPS_PROXY:-}}
no_proxy=${no_proxy-${NO_PROXY:-}}"
    [ -z "$user" ] || { make_user && hand_over; }
    keep_across_upgrades
}

hand_over() { # the user owns the key, the outcome and the state, and can read what else is here but not change it
    chown "$user" "$folder/key" "$folder/last" || fail 1 "cannot give the key to $user"
    chown -R "$user" "$folder/state"
    if [ "$(id -gn "$user")" = nogroup ]; then # which is everybody's: the settings may hold a proxy's password
        chmod 755 "$folder"
        chmod 400 "$folder/agent.conf"
        chown "$user" "$folder/agent.conf"
    else
        chgrp "$(id -g "$user")" "$folder" "$folder/agent.conf"
        chmod 750 "$folder"
        chmod 640 "$folder/agent.conf"
    fi
}

choose_scheduler() { # sets scheduler, before anything is written
    if systemd_here; then scheduler=systemd; elif cron_here; then scheduler=cron; else scheduler=''; fi
}

schedule() { # sets runner: what runs the agent every minute
    # Each key has a second of its own, so that a fleet does not report in the same moment.
    second=$((0x$(printf '%s' "$key" | sha256sum | cut -c 1-4) % 55))
    case $scheduler in
    systemd) systemd_schedule "$second" && runner='a systemd timer (agentmon-agent.timer)' ;;
    cron)
        cron_schedule "$second"
        runner=cron
        cron_runs || runner='cron, once its daemon is started,'
        ;;
    esac
}

unschedule() { # before it is scheduled anew, too
    cron_unschedule
    systemd_unschedule
    rm -rf "$old_lib" "$old_state"
}

as_user() { # COMMAND: as the agent's user and with no more in the environment than cron gives
    set -- env -i "PATH=$PATH" "HOME=${HOME:-/}" "$@"
    if [ -z "$user" ]; then "$@"; else su -s /bin/sh "$user" -c "$*"; fi
}

first_report() { # by what will run it each minute: what root's shell can do, a user or a unit perhaps cannot
    here=$(memory_of "$report")
    case $scheduler in
    systemd) systemd_run_once ;;
    *) as_user sh "$folder/agent.sh" ;;
    esac && failed='' || failed=yes
    last=$(cat "$folder/last")
    case $last in
    "$no_report") if [ -n "$failed" ]; then says="the unit did not run ($why)"; else echo "$tried" >"$folder/last"; fi ;;
    *) says=${last#* } ;;
    esac
    [ -z "$failed" ] || fail 1 "installed in $folder, but its first report failed: $says"
    [ -z "$root" ] || [ -n "$user" ] || tell "it runs as root: no useradd or adduser and su here"
    there=$(cat "$folder/state/memory_total_mb" 2>/dev/null) || there=$here
    [ "$here" = "$there" ] || tell "$here MB of memory are seen here, but $there MB by what runs it: is /proc another there?"
    as_user sh "$folder/agent.sh" --print >/dev/null # it names on stderr what the agent's user cannot see
    [ -n "$scheduler" ] || fail 1 "installed in $folder, but no systemd for root and no crontab are here: \
let something run this every minute: sh $folder/agent.sh"
    tell "installed in $folder; $runner runs it every minute"
    tell "$says"
}

uninstall_agent() {
    places
    if [ -e "$folder" ]; then was=removed; else was="nothing is installed for $(id -un)"; fi
    unschedule
    rm -rf "$folder"
    forget_upgrades
    if [ -z "$root" ]; then
        rmdir "${folder%/*}" 2>/dev/null # if nothing else is in it
    else
        remove_user
    fi
    tell "$was"
}

show_status() { # exits with 0 if the last report was taken, 1 if it failed, 3 if nothing runs the agent
    places
    [ -e "$folder/agent.conf" ] || fail 3 "not installed for $(id -un)"
    settings
    runner=''
    if cron_line; then runner=cron; fi
    if systemd_runs; then runner='a systemd timer, active'; fi
    last=$(cat "$folder/last")
    printf 'receiver: %s\nfolder:   %s\nrun by:   %s\nlast:     %s\n' "$url" "$folder" "${runner:-nothing}" "$last"
    warn_of_unit
    [ -n "$runner" ] || exit 3
    if [ -n "$(find "$folder/last" -mmin +10 2>/dev/null)" ]; then fail 3 "nothing has run it for ten minutes"; fi
    case $last in *' took the report') ;; *) exit 1 ;; esac
}

warn_of_unit() {
    hiding=$(hides_lxcfs)
    [ -z "$hiding" ] || tell "agentmon-agent.service sets $hiding- in a container it then reads its host's memory and CPU: \
install again" >&2
}

main() {
    command=${1:-send} limit=''
    [ $# -eq 0 ] || shift
    if timeout 5 true 2>/dev/null; then limit=yes; fi # some have none, some want -t
    [ $# -eq 0 ] || [ "$command" = install ] || fail 2 "$command takes no $1; see --help"
    case $command in
    send | test)
        settings
        [ "$command" = send ] || warn_of_unit
        send || fail 1 "$says"
        [ "$command" = send ] || tell "$says"
        ;;
    --print) collect ;;
    install) install_agent "$@" ;;
    uninstall) uninstall_agent ;;
    status) show_status ;;
    --help | -h | help) usage ;;
    *) fail 2 "there is no command $command; see --help" ;;
    esac
}

main "$@"
