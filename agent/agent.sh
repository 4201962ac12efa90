#!/bin/sh
# agentmon-agent: tells an agentmon receiver how this Linux machine is. One run sends one report.
# It needs a POSIX sh, awk, df, and curl or wget, and changes nothing on the machine unless told to `install`.
# shellcheck disable=SC2016  # awk's $ and the sh lines that awk runs stand in single quotes on purpose

set -u
umask 077
LC_ALL=C PATH=${PATH:-/bin}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin
export LC_ALL PATH

usage() {
    cat <<'EOF'
usage: agent.sh                 send one report; this is what cron or a timer runs
       agent.sh --print         show the report, without the key, and send nothing
       agent.sh test            send one report and explain the answer
       agent.sh install --url URL
                                report every minute from now on; takes the key from AGENTMON_KEY,
                                AGENTMON_KEY_FILE or, at a terminal, asks for it
       agent.sh status          what is installed, and how the last report went
       agent.sh uninstall       remove all that install wrote

AGENTMON_URL, AGENTMON_KEY_FILE or AGENTMON_KEY, and AGENTMON_CA (a private CA's certificate) go before
what install wrote. http_proxy, https_proxy and no_proxy hold. Exit: 0 sent, 1 failed, 2 wrong usage.
EOF
}

tell() { printf 'agentmon-agent: %s\n' "$1"; }

fail() { # STATUS TEXT
    tell "$2" >&2
    exit "$1"
}

# ---- Where things are -------------------------------------------------------------------------------------

system_conf=/etc/agentmon-agent
user_conf=${XDG_CONFIG_HOME:-${HOME:-/nonexistent}/.config}/agentmon-agent

places() { # sets where install writes: system places for root, the home for everyone else
    if [ "$(id -u)" = 0 ]; then
        conf=$system_conf lib=/usr/local/lib/agentmon-agent state=/var/lib/agentmon-agent
    else
        [ -d "${HOME:-}" ] || fail 1 "HOME names no directory"
        conf=$user_conf lib=${XDG_DATA_HOME:-$HOME/.local/share}/agentmon-agent state=$lib
    fi
    units=/etc/systemd/system
}

settings() { # sets url, key_file, key, ca and state: the environment wins over what install wrote
    url='' key_file='' ca='' state=''
    conf=$system_conf
    [ -r "$conf/agent.conf" ] || conf=$user_conf
    if [ -r "$conf/agent.conf" ]; then
        while IFS='=' read -r name value; do
            case $name in
            AGENTMON_URL) url=$value ;;
            AGENTMON_KEY_FILE) key_file=$value ;;
            AGENTMON_CA) ca=$value ;;
            AGENTMON_STATE) state=$value ;;
            esac
        done <"$conf/agent.conf"
    fi
    url=${AGENTMON_URL:-$url} ca=${AGENTMON_CA:-$ca} key=''
    if [ -n "${AGENTMON_KEY_FILE:-}" ]; then
        key_file=$AGENTMON_KEY_FILE
    elif [ -n "${AGENTMON_KEY:-}" ]; then
        key=$AGENTMON_KEY key_file=''
    fi
    unset AGENTMON_KEY # it is no business of the programs that run below
}

check_url() {
    [ -n "$url" ] || fail 2 "nothing says where the receiver is: set AGENTMON_URL, or install --url URL"
    while [ "$url" != "${url%/}" ]; do url=${url%/}; done
    case $url in
    *[!!-~]* | *[\"\\\'\<\>?#@]*) fail 2 "the receiver's URL holds characters that do not belong there" ;;
    http://?* | https://?*) ;;
    *) fail 2 "the receiver's URL starts with http:// or https://" ;;
    esac
    [ -z "$ca" ] || [ -r "$ca" ] || fail 1 "cannot read the CA certificate $ca"
}

read_key() { # fills key from key_file, if there is one, and checks it
    if [ -n "$key_file" ]; then
        [ -r "$key_file" ] || fail 1 "cannot read the key file $key_file"
        case $(ls -ldL -- "$key_file") in
        ?r??------*) ;;
        *) fail 1 "others may read the key file $key_file: chmod 600 it" ;;
        esac
        IFS= read -r key <"$key_file" || [ -n "$key" ] || fail 1 "the key file $key_file is empty"
    fi
    [ -n "$key" ] || fail 2 "no key: set AGENTMON_KEY_FILE or AGENTMON_KEY, or run install"
    case $key in
    *[!!-~]*) fail 1 "the key is malformed: printable ASCII characters without spaces are expected" ;;
    esac
    [ "${#key}" -le 128 ] || fail 1 "the key is longer than 128 characters"
}

# ---- The report -------------------------------------------------------------------------------------------

collect() { # prints the report as one line of JSON, without the key; takes a second
    [ -r /proc/stat ] || fail 1 "there is no /proc/stat: this agent is for Linux, see \`agentmon agent\` elsewhere"
    # A card has a device. One that works for a master with a device of its own is counted there (cloud VMs).
    cards=' '
    for dir in /sys/class/net/*; do
        if [ -e "$dir/device" ] && [ ! -e "$dir/master/device" ]; then cards="$cards${dir##*/} "; fi
    done
    awk -v cards="$cards" '
    function first(file,   line) { line = ""; getline line < file; close(file); return line }
    function percent(part, whole,   p) {
        p = whole > 0 ? 100 * part / whole : 0
        return sprintf("%.1f", p < 0 ? 0 : p > 100 ? 100 : p)
    }
    function ceil(x) { return int(x) < x ? int(x) + 1 : int(x) }
    function human(kib,   unit) { # as df -h: powers of 1024, rounded up
        if (kib <= 0) return "0"
        for (unit = 1; ceil(kib) >= 1024; unit++) kib /= 1024
        if (ceil(kib * 10) < 100) return sprintf("%.1f", ceil(kib * 10) / 10) substr("KMGTPE", unit, 1)
        return ceil(kib) substr("KMGTPE", unit, 1)
    }
    # The length of the valid UTF-8 sequence at s[i], or 0; bytes 128 to 255 stand at 1 to 128 of "high".
    function sequence(s, i,   b, n, k, code, c) {
        b = index(high, substr(s, i, 1)) + 127
        n = b < 194 ? 0 : b < 224 ? 2 : b < 240 ? 3 : b < 245 ? 4 : 0
        code = n == 2 ? b - 192 : n == 3 ? b - 224 : b - 240
        for (k = 1; k < n; k++) {
            c = i + k > length(s) ? 0 : index(high, substr(s, i + k, 1))
            if (c < 1 || c > 64) return 0
            code = code * 64 + c - 1
        }
        if (n == 3 && (code < 2048 || (code >= 55296 && code < 57344))) return 0
        return n == 4 && (code < 65536 || code > 1114111) ? 0 : n
    }
    function json(s,   out, i, c, n) {
        if (s !~ /[^ -~]/ && s !~ /["\\]/) return "\"" s "\""
        for (i = 1; i <= length(s); i++) {
            c = substr(s, i, 1)
            if (c == "\"" || c == "\\") out = out "\\" c
            else if (n = index(control, c)) out = out sprintf("\\u%04x", n)
            else if (!index(high, c)) out = out c
            else if (n = sequence(s, i)) { out = out substr(s, i, n); i += n - 1 }
            else out = out "\\ufffd"
        }
        return "\"" out "\""
    }
    function add(name, value) { report = report (report == "" ? "" : ",") "\"" name "\":" value }
    function text(name, value) { if (value != "") add(name, json(substr(value, 1, 255))) }

    function read_cpu(into,   f, i) { # user nice system idle iowait irq softirq steal; guest is within user
        split(first("/proc/stat"), f)
        into["all"] = 0
        for (i = 2; i <= 9; i++) into["all"] += f[i]
        into["idle"] = f[5]; into["iowait"] = f[6]
    }
    function cpu(   all, idle, iowait) { # between two readings a second apart
        read_cpu(before); system("sleep 1"); read_cpu(after)
        all = after["all"] - before["all"]
        idle = after["idle"] - before["idle"]; iowait = after["iowait"] - before["iowait"]
        if (idle < 0) idle = 0
        if (iowait < 0) iowait = 0
        add("cpu_usage", percent(all - idle - iowait, all)); add("cpu_iowait", percent(iowait, all))
    }
    function memory(   line, f, m, free) {
        while ((getline line < "/proc/meminfo") > 0) { split(line, f); m[f[1]] = f[2] }
        free = "MemAvailable:" in m ? m["MemAvailable:"] : m["MemFree:"] + m["Buffers:"] + m["Cached:"]
        add("memory_usage", percent(m["MemTotal:"] - free, m["MemTotal:"]))
        add("memory_total_mb", sprintf("%.0f", int(m["MemTotal:"] / 1024)))
        if (m["SwapTotal:"] > 0) add("swap_usage", percent(m["SwapTotal:"] - m["SwapFree:"], m["SwapTotal:"]))
    }

    # /proc/mounts writes a space as \040
    function unescape(s,   out, d) {
        while (match(s, /\\[0-3][0-7][0-7]/)) {
            d = substr(s, RSTART + 1, 3)
            d = substr(d, 1, 1) * 64 + substr(d, 2, 1) * 8 + substr(d, 3, 1)
            out = out substr(s, 1, RSTART - 1) sprintf("%c", d)
            s = substr(s, RSTART + 4)
        }
        return out s
    }
    function quoted(s,   parts, n, i, out) { # for sh
        n = split(s, parts, "\047")
        out = parts[1]
        for (i = 2; i <= n; i++) out = out "\047\\\047\047" parts[i]
        return "\047" out "\047"
    }
    function plain(s) { gsub(/[^ -~]/, "?", s); return s } # df masks control characters in its own way
    # Real file systems need a device, or are zfs; images are always full; "/" counts whatever holds it (but memory).
    function real(mount, type) {
        if (type ~ /^(squashfs|erofs|cramfs|romfs|iso9660|udf|tmpfs|ramfs|rootfs)$/) return 0
        return mount == "/" || type == "zfs" || type in on_device
    }
    # The mounts to ask df for, quoted; of several mounts of one device the shortest. Leaves them in "known" too.
    function mounts(   line, f, n, i, m, order, device, type, best, list, count) {
        while ((getline line < "/proc/filesystems") > 0) if (split(line, f) == 1) on_device[f[1]]
        while ((getline line < "/proc/mounts") > 0) {
            split(line, f)
            m = unescape(f[2])
            if (!(m in device)) order[++n] = m
            device[m] = f[1]; type[m] = f[3] # mounted over another, the last one is seen
        }
        for (i = 1; i <= n; i++) {
            m = order[i]
            if (!real(m, type[m])) continue
            if (!(device[m] in best) || length(m) < length(best[device[m]])) best[device[m]] = m
        }
        for (i = 1; i <= n; i++) {
            m = order[i]
            if (!(device[m] in best) || best[device[m]] != m || length(m) > 1024 || ++count > 512) continue
            known[plain(m)] = m
            list = list " " quoted(m)
        }
        return list
    }
    function disks(   list, line, command, f, m, out) {
        list = mounts()
        command = "exec 2>/dev/null; set --; for m in" list "; do [ -d \"$m\" ] && set -- \"$@\" \"$m\"; done; " \
            "[ $# -gt 0 ] || exit; limit=; timeout 5 true && limit=\"timeout 5\"; $limit df -P -k -- \"$@\""
        while (list != "" && (command | getline line) > 0) {
            if (!match(line, / +[0-9]+ +-?[0-9]+ +-?[0-9]+ +[0-9-]+%? +\//)) continue
            split(substr(line, RSTART, RLENGTH - 1), f)
            m = plain(substr(line, RSTART + RLENGTH - 1))
            if (!(m in known) || f[1] <= 0 || f[2] + f[3] <= 0) continue
            out = out (out == "" ? "{" : ",{") "\"mount\":" json(known[m]) ",\"usage\":" percent(f[2], f[2] + f[3])
            out = out ",\"size\":\"" human(f[1]) "\",\"used\":\"" human(f[2]) "\",\"avail\":\"" human(f[3]) "\"}"
            delete known[m]
        }
        add("disk_usage", "[" out "]")
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
        if (seen) { add("network_rx_bytes", sprintf("%.0f", rx)); add("network_tx_bytes", sprintf("%.0f", tx)) }
    }
    function os_name(file,   line, v, out, i) {
        while ((getline line < file) > 0) if (line ~ /^PRETTY_NAME=/) v = substr(line, 13)
        if (v ~ /^["\047]/) v = substr(v, 2, length(v) - 2)
        while (i = index(v, "\\")) { out = out substr(v, 1, i - 1) substr(v, i + 1, 1); v = substr(v, i + 2) }
        return out v
    }
    BEGIN {
        for (i = 1; i < 32; i++) control = control sprintf("%c", i)
        for (i = 128; i < 256; i++) high = high sprintf("%c", i)
        cpu(); memory(); disks(); network()
        if (split(first("/proc/loadavg"), f) >= 3) { add("load_1m", f[1]); add("load_5m", f[2]); add("load_15m", f[3]) }
        if ((os = os_name("/etc/os-release")) == "" && (os = os_name("/usr/lib/os-release")) == "") os = "Linux"
        text("os", os)
        text("hostname", first("/proc/sys/kernel/hostname")); text("kernel", first("/proc/sys/kernel/osrelease"))
        print "{" report "}"
    }'
}

# ---- Sending ----------------------------------------------------------------------------------------------

find_client() { # sets client
    if command -v curl >/dev/null; then
        client=curl
        return
    fi
    case $(wget --help 2>&1) in
    *GNU*) client=gnu-wget ;;
    *post-file*) client=wget ;;
    *) fail 1 "neither curl nor a wget that can post a file is here" ;;
    esac
    case $client$url in wgethttps:*) fail 1 "https needs curl or GNU wget: this wget checks no certificates" ;; esac
}

post() { # prints all that came back: headers, body, and the client's own complaint
    if [ "$client" = curl ]; then # the body, and with it the key, comes on standard input
        curl -q -g -sS -i --connect-timeout 10 --max-time 20 ${ca:+--cacert "$ca"} -H 'Expect:' \
            -H 'Content-Type: application/json' --data-binary @- "$url/agent/report" 2>&1 <<EOF
{"agent_key":"$key_json",${report#?}
EOF
        return
    fi
    set -- # no -T for busybox, whose wget crashes on it where it was built without time limits
    if [ "$client" = gnu-wget ]; then # which, in the background as under timeout, would log to a file of its own
        set -- -nv -o /dev/stderr -T 20 -t 1 --max-redirect=0 --content-on-error ${ca:+"--ca-certificate=$ca"}
    fi
    set -- wget -S -O - "$@"
    if timeout 5 true 2>/dev/null; then set -- timeout 25 "$@"; fi
    body=$(mktemp) || return
    trap 'rm -f "$body"' EXIT
    trap 'exit 1' HUP INT TERM
    cat >"$body" <<EOF
{"agent_key":"$key_json",${report#?}
EOF
    "$@" --header 'Content-Type: application/json' --post-file="$body" "$url/agent/report" 2>&1
}

explain() { # REPLY: prints the seconds to wait (0: do not try again), a space, and the answer in words
    awk -v url="$url" '
    /^ *HTTP\/[0-9.]+ +[0-9]+/ && !body { sub(/^ *HTTP\/[0-9.]+ +/, ""); code = $0 + 0; retry = 0; next }
    match($0, /server returned error: HTTP\/[0-9.]+ [0-9]+/) { code = substr($0, RSTART + RLENGTH - 3, 3) }
    tolower($1) == "retry-after:" && !body { retry = $2 <= 30 ? int($2) : 0; next }
    match($0, /"message" *: *"([^"\\]|\\.)*"/) {
        message = substr($0, RSTART, RLENGTH - 1); sub(/^"message" *: *"/, "", message); body = 1
    }
    $0 !~ /^[ \r]*$/ { last = $0 }
    END {
        if (message == "") message = "without a word"
        if (code == 404) says = "does not know this key (404): its monitor was deleted or the key rotated"
        else if (code == 422) says = "refused the report (422): " message
        else if (code == 429 || code == 503) { says = "cannot take a report now (" code "): " message; wait = retry }
        else if (code) says = "answered " code ", which is not what an agentmon receiver says: " message
        else says = "did not answer: " last
        says = wait + 0 " the receiver at " url " " says
        gsub(/[^ -~]/, "", says)
        print substr(says, 1, 500)
    }' <<EOF
$1
EOF
}

send() { # sets says; 0 when the report was taken
    check_url
    read_key
    find_client
    key_json=$key
    case $key in *[\"\\]*) key_json=$(
        sed 's/["\\]/\\&/g' <<EOF
$key
EOF
    ) ;; esac
    taken=1
    for try in 1 2; do
        report=$(collect) || exit 1
        reply=$(post)
        case $reply in *HTTP/*\ 200*\"status\"*\"ok\"*)
            taken=0 says="the receiver at $url took the report"
            break
            ;;
        esac
        says=$(explain "$reply")
        wait=${says%% *} says=${says#* }
        if [ "$try" = 2 ] || [ "$wait" = 0 ]; then break; fi
        sleep "$wait"
    done
    if [ -w "$state" ]; then printf '%s %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$says" >"$state/last"; fi
    return $taken
}

# ---- Installing -------------------------------------------------------------------------------------------

put() { # MODE FILE: standard input becomes FILE, at once and whole
    { cat >"$2.new" && chmod "$1" "$2.new" && mv -f "$2.new" "$2"; } || fail 1 "cannot write $2"
}

own_text() { # prints this script; piped into sh it has no file, so the receiver is asked for it again
    if [ -f "$0" ] && grep -q '^# agentmon-agent:' "$0"; then
        cat "$0"
    elif [ "$client" = curl ]; then
        curl -q -g -fsS --connect-timeout 10 --max-time 30 ${ca:+--cacert "$ca"} "$url/agent.sh"
    else
        wget -q -O - ${ca:+"--ca-certificate=$ca"} "$url/agent.sh"
    fi
}

ask_key() { # from the terminal, which is not standard input when the script is piped into sh
    (: </dev/tty) 2>/dev/null || return 0
    trap 'stty echo </dev/tty' EXIT
    trap 'exit 1' HUP INT TERM
    stty -echo </dev/tty
    printf 'Agent key (not shown): ' >/dev/tty
    IFS= read -r key </dev/tty
    stty echo </dev/tty
    trap - EXIT HUP INT TERM
    echo >/dev/tty
}

has_systemd() { [ "$conf" = "$system_conf" ] && [ -d /run/systemd/system ] && command -v systemctl >/dev/null; }

has_cron_line() { command -v crontab >/dev/null && crontab -l 2>/dev/null | grep -q '# agentmon-agent$'; }

other_cron_lines() { crontab -l 2>/dev/null | grep -v '# agentmon-agent$'; }

schedule() { # sets runner: what runs the agent every minute, or nothing
    if has_systemd; then
        put 644 "$units/agentmon-agent.service" <<EOF
[Unit]
Description=agentmon agent: send one report
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
ExecStart=/bin/sh $lib/agent.sh
TimeoutStartSec=2min
EOF
        put 644 "$units/agentmon-agent.timer" <<EOF
[Unit]
Description=agentmon agent: report every minute

[Timer]
OnActiveSec=10s
OnUnitActiveSec=60s
AccuracySec=1s

[Install]
WantedBy=timers.target
EOF
        systemctl daemon-reload || fail 1 "systemd did not read the new units"
        systemctl enable --now -q agentmon-agent.timer || fail 1 "systemd did not start the timer"
        runner='a systemd timer (agentmon-agent.timer)'
    elif command -v crontab >/dev/null; then
        # Not all machines in the same second: each waits as its installer's process number says.
        line="* * * * * sleep $(($$ % 50)); sh '$lib/agent.sh' >/dev/null 2>&1 # agentmon-agent"
        { other_cron_lines; echo "$line"; } | crontab - || fail 1 "crontab did not take the line"
        runner='a line in your crontab'
    else
        runner=''
    fi
}

install_agent() {
    settings
    while [ $# -gt 0 ]; do
        case $1 in
        --url) [ $# -ge 2 ] || fail 2 "--url needs the receiver's URL"; url=$2; shift 2 ;;
        --url=*) url=${1#--url=}; shift ;;
        *) fail 2 "install does not know $1; see --help" ;;
        esac
    done
    check_url
    if [ -z "$key$key_file" ]; then ask_key; fi
    read_key
    find_client
    places
    script=$(own_text) || fail 1 "cannot get agent.sh from $url"
    case $script in '#!/bin/sh'*'main "$@"') ;; *) fail 1 "what $url/agent.sh gives is not this agent" ;; esac
    mkdir -p "$conf" "$lib" "$state" || fail 1 "cannot write to $conf, $lib or $state"
    put 755 "$lib/agent.sh" <<EOF
$script
EOF
    put 600 "$conf/key" <<EOF
$key
EOF
    if [ -n "$ca" ]; then put 644 "$conf/ca.pem" <"$ca" && ca=$conf/ca.pem; fi
    put 600 "$conf/agent.conf" <<EOF
AGENTMON_URL=$url
AGENTMON_KEY_FILE=$conf/key
AGENTMON_CA=$ca
AGENTMON_STATE=$state
EOF
    schedule
    send
    sent=$?
    tell "$says"
    [ -n "$runner" ] || fail 1 "no systemd for root, no crontab: let something run this every minute: sh $lib/agent.sh"
    tell "installed; $runner runs $lib/agent.sh every minute"
    return $sent
}

uninstall_agent() {
    places
    if has_systemd && [ -e "$units/agentmon-agent.timer" ]; then
        systemctl disable --now -q agentmon-agent.timer
        systemctl stop -q agentmon-agent.service
        rm -f "$units/agentmon-agent.service" "$units/agentmon-agent.timer"
        systemctl daemon-reload
    fi
    if has_cron_line; then
        rest=$(other_cron_lines)
        if [ -n "$rest" ]; then printf '%s\n' "$rest" | crontab -; else crontab -r; fi
    fi
    rm -f "$conf/key" "$conf/agent.conf" "$conf/ca.pem" "$lib/agent.sh" "$state/last"
    for dir in "$conf" "$lib" "$state"; do
        if [ -d "$dir" ]; then rmdir "$dir"; fi
    done
    tell "removed"
}

show_status() {
    places
    [ -e "$conf/agent.conf" ] || fail 1 "not installed"
    settings
    runner=nothing
    if has_cron_line; then runner='your crontab'; fi
    if has_systemd; then runner="a systemd timer, $(systemctl is-active agentmon-agent.timer)"; fi
    printf 'receiver: %s\nsettings: %s\nscript:   %s\nrun by:   %s\nlast:     ' "$url" "$conf" "$lib/agent.sh" "$runner"
    cat "$state/last" 2>/dev/null || echo 'no report yet'
}

main() {
    command=${1:-send}
    [ $# -eq 0 ] || shift
    if [ "$command" != install ] && [ $# -gt 0 ]; then fail 2 "$command takes no $1; see --help"; fi
    case $command in
    send) settings && { send || fail 1 "$says"; } ;;
    --print) collect ;;
    test)
        settings
        send || fail 1 "$says"
        tell "$says"
        ;;
    install) install_agent "$@" ;;
    uninstall) uninstall_agent ;;
    status) show_status ;;
    --help | -h | help) usage ;;
    *) fail 2 "there is no command $command; see --help" ;;
    esac
}

main "$@"
