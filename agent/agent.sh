#!/bin/sh
# agentmon-agent: tells an agentmon receiver how this Linux machine is. One run sends one report.
# It needs a POSIX sh, awk, df, and curl or wget, and changes nothing on the machine unless told to `install`.
# shellcheck disable=SC1091,SC2016  # os-release is not here to be checked; awk's $ stands in single quotes

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
Exit: 0 sent, 1 failed, 2 wrong usage.
EOF
}

tell() { printf 'agentmon-agent: %s\n' "$1"; }
fail() { # STATUS TEXT
    tell "$2" >&2
    exit "$1"
}

# ---- Settings. One folder holds all that install writes, but for systemd's units and cron's line.

root_folder=/etc/agentmon-agent
user_folder=${XDG_CONFIG_HOME:-${HOME:-/nonexistent}/.config}/agentmon-agent

settings() { # sets url, ca, pin, key or key_file, and where to note the outcome; the environment wins
    url=${AGENTMON_URL:-} ca=${AGENTMON_CA:-} pin=${AGENTMON_PIN:-} key_file=${AGENTMON_KEY_FILE:-}
    stored=$root_folder/agent.conf
    [ -r "$stored" ] || stored=$user_folder/agent.conf
    [ -z "$url$key_file$key" ] && note=${stored%/*}/last || note='' # no outcome of what is installed
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
    '') fail 2 "nothing says where the receiver is: set AGENTMON_URL, or install --url URL" ;;
    *[!!-~]* | *[\"\\\'\<\>?#@]*) fail 2 "the receiver's URL holds characters that do not belong there" ;;
    http://?* | https://?*) ;;
    *) fail 2 "the receiver's URL starts with http:// or https://" ;;
    esac
    case $pin in '' | sha256//*=) ;; *) fail 2 "a pin looks like sha256//BASE64=" ;; esac
    [ -z "$ca" ] || [ -r "$ca" ] || fail 1 "cannot read the CA certificate $ca"
    if [ -n "$key_file" ]; then
        case $(ls -ldL -- "$key_file" 2>/dev/null) in
        '') fail 1 "there is no key file $key_file" ;;
        ?r??------*) IFS= read -r key <"$key_file" ;;
        *) fail 1 "others may read the key file $key_file: chmod 600 it" ;;
        esac
    fi
    case $key in
    '') fail 2 "no key: set AGENTMON_KEY_FILE or AGENTMON_KEY, or run install" ;;
    *[!!-~]*) fail 1 "the key is malformed: printable ASCII characters without spaces are expected" ;;
    esac
    [ "${#key}" -le 128 ] || fail 1 "the key is longer than 128 characters"
    client=curl
    if command -v curl >/dev/null; then return; fi
    [ -z "$pin" ] || fail 1 "to trust a pinned public key needs curl: install it, or use --cacert"
    client=$(wget --help 2>&1)
    case $url$client in
    http*GNU*) client=gnu-wget ;;
    https*) fail 1 "https needs curl or GNU wget: this wget checks no certificates" ;;
    *post-file*) client=wget ;;
    *) fail 1 "neither curl nor a wget that can post a file is here" ;;
    esac
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

curl_() { # without a curlrc; -k is safe where the public key is pinned
    curl -q -g -sS --connect-timeout 10 --max-time 20 ${ca:+--cacert "$ca"} ${pin:+-k --pinnedpubkey "$pin"} "$@"
}

wget_() { # without a wgetrc, and without the .wget-hsts that GNU's leaves; busybox's crashes on -T
    [ "$client" = wget ] || set -- -nv -T 20 -t 1 --max-redirect=0 --content-on-error ${ca:+"--ca-certificate=$ca"} "$@"
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
        wget_ -S -o /dev/stderr --header "$1" --post-file="$file" "$2"
    fi 2>&1
}

explain() { # sets says from $reply, and wait: the seconds after which to try again, or 0
    wait=0 hint='' message=${reply#*\"message\": \"} proxy=${http_proxy:-}
    if [ "$message" = "$reply" ]; then message='without a word'; else message=${message%%\"*}; fi
    case $url in https*) proxy=${https_proxy:-${HTTPS_PROXY:-}} ;; esac
    proxy=${proxy:+ (a proxy is set: is it the right one? busybox wget cannot report through any)}
    code=${reply#*onnection established} # that was the proxy
    case $code in *HTTP/*) code=${code#*HTTP/} code=${code#* } code=${code%%[!0-9]*} ;; *) code='' ;; esac
    case $code in
    '') says=$(printf '%s\n' "${reply##*curl: }" | if [ "$client" = curl ]; then sed q; else sed -n '$p'; fi) ;;
    404) says="does not know this key (404): its monitor was deleted or the key rotated" ;;
    422) says="refused the report (422): $message" ;;
    429 | 503)
        says="cannot take a report now ($code): $message"
        wait=$(printf '%s\n' "$reply" | sed -n 's/^ *[Rr]etry-[Aa]fter: *\([0-9]\{1,2\}\)[^0-9]*$/\1/p')
        [ "${wait:-31}" -le 30 ] || wait=0
        ;;
    *) says="answered $code, which is not what an agentmon receiver says: $message$proxy" ;;
    esac
    case $code$says in
    [0-9]*) ;;
    *[Rr]esolv* | *'bad address'*) hint='is the name in the URL right, and does DNS work here?' ;;
    *nreachable* | *'o route'*) hint='no network leads there from here' ;;
    *[Rr]efused* | *onnect\ to*) hint='does agentmon run there, is the port right, is the way there open?' ;;
    *'timed out'* | *timeout*) hint='most likely a firewall drops it' ;;
    *'not yet '*) hint='is the clock of this machine right?' ;;
    *'wrong version'* | *'establish SSL'* | *reset* | *'mpty reply'*) hint='does it speak https, or http alone?' ;;
    *pinned* | *'public key'*) hint='it has a new key, or is another: take a fresh install line' ;;
    *ertificate* | *SSL* | *TLS*) hint='its certificate is not trusted here, see --cacert and --pin' ;;
    esac
    [ -n "$code" ] || says="did not answer: $says${hint:+: $hint}$proxy"
    says="the receiver at $url $(printf '%s' "$says" | tr -cd ' -~' | cut -c 1-400)"
}

send() { # sets says; 0 when the report was taken
    check_settings
    key=$(printf '%s' "$key" | sed 's/["\\]/\\&/g')
    for try in 1 2; do
        report=$(collect) || exit 1
        body="{\"agent_key\":\"$key\",${report#?}"
        reply=$(post)
        case $reply in
        *HTTP/*\ 200*\"status\"*\"ok\"*) wait=0 taken=0 says="the receiver at $url took the report" ;;
        *) taken=1 && explain ;;
        esac
        if [ "$try" = 2 ] || [ "$wait" = 0 ]; then break; fi
        sleep "$wait"
    done
    if [ -w "$note" ]; then printf '%s %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$says" >"$note"; fi
    return "$taken"
}

# ---- Scheduling: a systemd timer for root, else the crontab of the user that does the work.

cron_of() { # USER ARGUMENTS; the agent's own crontab and no file in /etc/cron.d, of which busybox knows nothing
    whose=$1
    shift
    if [ -n "$user" ]; then crontab -u "$whose" "$@"; else crontab "$@"; fi 2>/dev/null
}

unschedule() { # before it is scheduled anew, too; root's own line in cron is an earlier agent.sh's
    for name in "$(id -un)" $user; do
        cron_of "$name" -l | grep -q '# agentmon-agent$' || continue
        rest=$(cron_of "$name" -l | grep -v '# agentmon-agent$')
        if [ -n "$rest" ]; then printf '%s\n' "$rest" | cron_of "$name" -; else cron_of "$name" -r; fi
    done
    if [ -n "$user" ] && [ -e "$unit.timer" ]; then
        systemctl -q disable --now agentmon-agent.timer
        systemctl -q stop agentmon-agent.service
        rm -f "$unit.service" "$unit.timer"
        systemctl daemon-reload
    fi
    rm -rf "$old_lib" "$old_state"
}

schedule() { # sets runner: what runs the agent every minute
    # Each key has a second of its own, so that a fleet does not report in the same moment.
    second=$((0x$(printf '%s' "$key" | sha256sum | cut -c 1-4) % 55))
    if [ -n "$user" ] && [ -d /run/systemd/system ] && command -v systemctl >/dev/null; then
        # What its user cannot do anyway is not forbidden once more. ProtectHome=yes would hide a /home that is a file
        # system of its own from df, ProcSubset=pid would hide /proc/stat.
        put 644 "$unit.service" "[Unit]
Description=agentmon agent: send one report
[Service]
Type=oneshot
User=$user
ExecStart=/bin/sh $folder/agent.sh
TimeoutStartSec=2min
MemoryMax=64M
NoNewPrivileges=yes
CapabilityBoundingSet=
ProtectSystem=strict
ReadWritePaths=-$folder/last
ProtectHome=read-only
PrivateTmp=yes
PrivateDevices=yes
ProtectProc=invisible
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RestrictNamespaces=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service"
        put 644 "$unit.timer" "[Unit]
Description=agentmon agent: report every minute
[Timer]
OnCalendar=*:*:$second
AccuracySec=1s
[Install]
WantedBy=timers.target"
        systemctl daemon-reload || fail 1 "systemd did not read the new units"
        systemctl -q enable --now agentmon-agent.timer || fail 1 "systemd did not start the timer"
        runner='a systemd timer (agentmon-agent.timer)'
    elif command -v crontab >/dev/null; then
        line="* * * * * sleep $second; sh '$folder/agent.sh' >/dev/null 2>&1 # agentmon-agent"
        { cron_of "$user" -l; echo "$line"; } | cron_of "$user" - || fail 1 "crontab did not take the line"
        runner=cron
        grep -qsE '^(cron|crond)$' /proc/[0-9]*/comm || runner='cron, once its daemon is started,'
    else
        fail 1 "no systemd for root, no crontab: let something run this every minute: sh $folder/agent.sh"
    fi
}

# ---- Installing: for root, with a user of its own that does the work; for everyone else, as oneself.

places() { # old_…: what an earlier agent.sh made
    unit=/etc/systemd/system/agentmon-agent
    if [ "$(id -u)" = 0 ]; then
        user=agentmon-agent folder=$root_folder old_lib=/usr/local/lib/agentmon-agent old_state=/var/lib/agentmon-agent
    else
        user='' folder=$user_folder old_lib=${XDG_DATA_HOME:-${HOME:-}/.local/share}/agentmon-agent old_state=$old_lib
    fi
}

put() { # MODE FILE TEXT
    { printf '%s\n' "$3" >"$2" && chmod "$1" "$2"; } || fail 1 "cannot write $2"
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
    options=${key_file:+$#} # of what is installed already, and told nothing new, the key stays as well
    if [ -z "$key${AGENTMON_KEY_FILE:-}" ] && [ "$options" != 0 ]; then ask_key; fi
    check_settings
    places
    if [ -f "$0" ] && grep -q '^# agentmon-agent:' "$0"; then script=$(cat "$0"); else
        # Piped into sh it has no file: the receiver is asked for it again.
        script=$(if [ "$client" = curl ]; then curl_ -f "$url/agent.sh"; else wget_ -q "$url/agent.sh"; fi)
    fi
    case $script in '#!/bin/sh'*'main "$@"') ;; *) fail 1 "what $url/agent.sh gives is not this agent" ;; esac
    write_files
    unschedule
    schedule
    unset AGENTMON_URL AGENTMON_KEY_FILE AGENTMON_CA AGENTMON_PIN
    tell "installed in $folder; $runner runs it every minute"
    if [ -n "$user" ]; then su -s /bin/sh "$user" -c "sh $folder/agent.sh test"; else sh "$folder/agent.sh" test; fi
}

write_files() {
    { (umask 022 && mkdir -p "$folder") && chmod 700 "$folder"; } || fail 1 "cannot write to $folder"
    put 755 "$folder/agent.sh" "$script"
    put 600 "$folder/key" "$key"
    put 600 "$folder/last" "no report yet"
    if [ -n "$ca" ]; then put 644 "$folder/ca.pem" "$(cat "$ca")" && ca=$folder/ca.pem; else rm -f "$folder/ca.pem"; fi
    put 600 "$folder/agent.conf" "AGENTMON_URL=$url
AGENTMON_KEY_FILE=$folder/key
AGENTMON_CA=$ca
AGENTMON_PIN=$pin
http_proxy=${http_proxy:-}
https_proxy=${https_proxy-${HTTPS_PROXY:-}}
no_proxy=${no_proxy-${NO_PROXY:-}}"
    [ -n "$user" ] || return 0
    # The user that does the work cannot log in, owns the key and the note, and can read what else is here.
    if command -v useradd >/dev/null; then set -- useradd -r -M -d /; else set -- adduser -S -D -H -h /; fi # busybox
    id "$user" >/dev/null 2>&1 || "$@" -s /bin/false "$user" || fail 1 "cannot make the user $user"
    chown "$user" "$folder/key" "$folder/last" || fail 1 "cannot give the key to $user"
    chgrp "$(id -g "$user")" "$folder" "$folder/agent.conf"
    chmod 750 "$folder"
    chmod 640 "$folder/agent.conf"
}

uninstall_agent() {
    places
    if [ -e "$folder" ]; then was=removed; else was="nothing is installed for $(id -un)"; fi
    unschedule
    rm -rf "$folder"
    if [ -z "$user" ]; then
        rmdir "${folder%/*}" 2>/dev/null # if nothing else is in it
    elif id "$user" >/dev/null 2>&1; then
        # Who is busy with a report, or sleeps until its second, cannot be removed.
        find /proc -maxdepth 1 -name '[0-9]*' -user "$user" | while IFS= read -r dir; do kill -9 "${dir##*/}"; done
        if ! command -v userdel >/dev/null; then deluser "$user"; else
            userdel "$user" 2>/dev/null || { sleep 1 && userdel "$user"; } # until they are dead
        fi
    fi
    tell "$was"
}

show_status() {
    places
    [ -e "$folder/agent.conf" ] || fail 1 "not installed for $(id -un)"
    settings
    runner=nothing
    if cron_of "$user" -l | grep -q '# agentmon-agent$'; then runner=cron; fi
    if [ -e "$unit.timer" ]; then runner="a systemd timer, $(systemctl is-active agentmon-agent.timer)"; fi
    printf 'receiver: %s\nfolder:   %s\nrun by:   %s\nlast:     %s\n' "$url" "$folder" "$runner" "$(cat "$folder/last")"
}

main() {
    command=${1:-send} limit=''
    [ $# -eq 0 ] || shift
    if timeout 5 true 2>/dev/null; then limit=yes; fi # some have none, some want -t
    [ $# -eq 0 ] || [ "$command" = install ] || fail 2 "$command takes no $1; see --help"
    case $command in
    send | test)
        settings
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
