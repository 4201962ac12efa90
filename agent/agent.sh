#!/bin/sh
# agentmon-agent: reports to an agentmon receiver how this machine is (Linux, macOS, FreeBSD). One run sends one report.
# It needs a POSIX sh, awk, df, and curl or wget, and changes nothing on the machine unless told to `install`.
#
# To audit it: what is sent is made under "The report" and the part of your system (Linux, FreeBSD, macOS), how it is sent
# stands under "Sending", and all that `install` and `uninstall` change under "Installing" and the parts ahead of it, of
# which yours needs one: systemd, launchd or cron. The parts of other systems can be passed over. It begins at `main`.
#
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
       agent.sh --missing   name the disks that the report leaves out, and why
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
    case $key in *[!!-~]* | *'**'*) trim_key ;; esac
    case $key in
    '') fail 2 "no key: set AGENTMON_KEY_FILE or AGENTMON_KEY, or run install" ;;
    *[!!-~]*) fail 1 "the key is malformed: printable ASCII characters without spaces are expected" ;;
    esac
    [ "${#key}" -le 128 ] || fail 1 "the key is longer than 128 characters"
    if [ "${#key}" -lt 24 ] || made_by_agentmon; then return; fi # a short one is somebody's own, given with --key
    case $key in amk_*) fail 1 "this key is damaged: amk_ and 40 letters or digits were expected, but it has ${#key} \
characters: copy it again" ;; esac
}

trim_key() { # of what an editor left around it: a file from Windows ends its lines with \r
    blank=$(printf ' \t\r')
    key=${key#"${key%%[!"$blank"]*}"}
    key=${key%"${key##*[!"$blank"]}"}
    case $key in
    *"$(printf '\342\200\242')"* | *"$(printf '\342\200\246')"* | *'**'*) # the console's dots, an ellipsis
        fail 1 "this key was copied while it was hidden: press v or i in the console, then copy it again" ;;
    esac
}

made_by_agentmon() { # whether the key looks like those that agentmon makes; --key may bring others
    case ${key#amk_} in "$key" | *[!0-9A-Za-z]*) return 1 ;; esac
    [ "${#key}" = 44 ]
}

# ---- The report: each system prints its readings, a line each; what is shared turns them into JSON.
#
#   ticks USER NICE SYSTEM IDLE IOWAIT …        earlier, then now; - for what is not counted; or  cpu USAGE [IOWAIT]  in percent
#   memory TOTAL AVAILABLE, swap TOTAL FREE     KiB
#   disk SIZE USED AVAIL MOUNT                  KiB; a line of `df -P -k` does as well
#   shared MOUNT                                its space is shared with others: what is not available is used
#   zfs DATASET MOUNT                           of each that is mounted, as in /proc/mounts; and what `zfs list -Hp` says of pools
#   network RX TX, load ONE FIVE FIFTEEN, os TEXT, hostname TEXT, kernel TEXT
#   warn TEXT, note TEXT, fail TEXT             told always; told to a person; told, and there is no report

readings() {
    recall
    case $system in
    FreeBSD) freebsd_readings ;;
    Darwin) macos_readings ;;
    *) linux_readings ;;
    esac
}

collect() { # prints the report as one line of JSON, without the key; fails if there can be none
    take_turn
    case $command in test | --missing) notes=yes ;; *) notes='' ;; esac
    readings | awk -v notes="$notes" "$report_awk"
}

report_awk='
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
function plain(s) { gsub(/[\001-\037]/, "?", s); return s } # as df does: no name steers a terminal
function json(s) { # what is not ASCII becomes "?", too, if it is no UTF-8
    s = plain(s); gsub(/["\\]/, "\\\\&", s)
    if (s !~ utf8) gsub(/[\200-\377]/, "?", s)
    return "\"" s "\""
}
function unescaped(s,   out, code) { # a space is \040 in /proc/mounts
    while (match(s, /\\[0-7][0-7][0-7]/)) {
        code = 64 * substr(s, RSTART + 1, 1) + 8 * substr(s, RSTART + 2, 1) + substr(s, RSTART + 3, 1)
        out = out substr(s, 1, RSTART - 1) sprintf("%c", code)
        s = substr(s, RSTART + RLENGTH)
    }
    return out s
}
function rest(words,   line) { line = $0; while (words-- > 0) sub(/^[^ ]* */, "", line); return line }
function note(what) { if (notes) say(what) }
function say(what) { print "agentmon-agent: " plain(unescaped(what)) | "cat >&2" }
function add(name, value) { report = report (report == "" ? "" : ",") "\"" name "\":" value }
function text(name,   s) {
    s = said[name]
    if (length(s) > 255) { s = substr(s, 1, 255); sub(/[\300-\377][\200-\277]*$/, "", s) } # no half a character
    if (s != "") add(name, json(s))
}

# user nice system idle iowait irq softirq steal, each since boot; one that steps back did nothing; a guest is within user
function ticks(   b, a, n, i, whole) {
    split(before, b); n = split(after, a)
    for (i = 1; i <= n && i <= 8; i++) { a[i] = a[i] > b[i] ? a[i] - b[i] : 0; whole += a[i] }
    usage = percent(whole - a[4] - a[5], whole)
    iowait = b[5] ~ /[0-9]/ ? percent(a[5], whole) : ""
}

function disk(size, used, avail, mount,   i) {
    if (size <= 0 || used + avail <= 0 || number_of(plain(mount))) return
    i = place(plain(mount))
    if (mounts[i] in shared) used = size - avail
    sizes[i] = size; useds[i] = used; avails[i] = avail
}
function place(mount) { # in the order of the table, whoever answers first
    if (!(mount in number)) { number[mount] = ++disks; mounts[disks] = mount }
    return number[mount]
}
function number_of(mount) { return (mount in number) && (number[mount] in sizes) ? number[mount] : 0 }
function characters(s) { return length(s) - (s ~ utf8 ? gsub(/[\200-\277]/, "", s) : 0) }

# Each pool of ZFS is one disk under its shortest mount, and so is each data set that can fill by itself: one with less
# room than its pool has. Only zfs knows of volumes and snapshots; without it a pool is the sum of what is mounted, and
# a data set without others, as in a container, is a disk like any other.
function pools(   i, d, p) {
    for (i = 1; i <= sets; i++) {
        p = set[i]; sub(/\/.*/, "", p); pool[i] = p
        if (!(d = number_of(set_mount[i]))) continue
        mounted[p] += useds[d]
        if (avails[d] > most[p]) most[p] = avails[d]
        if (set[i] == p) whole[p] = 1
    }
    for (p in pool_avail) most[p] = pool_avail[p]
    for (i = 1; i <= sets; i++) if ((d = number_of(set_mount[i])) && shares(d, pool[i]) && ++sharing[pool[i]] > 1) whole[pool[i]] = 1
    for (i = 1; i <= sets; i++) {
        p = pool[i]; d = number_of(set_mount[i])
        if (p in pool_used) whole[p] = 1
        else if (!noted[p]++) note("zfs does not say how full " p " is: its volumes and snapshots are not counted")
        if (!(p in whole) || (d ? !shares(d, p) : !(p in pool_used))) continue
        gone[d]
        if (!(p in home) || length(set_mount[i]) < length(home[p])) home[p] = set_mount[i]
    }
    for (i = 1; i <= sets; i++) if (pool[i] in home) {
        p = pool[i]
        d = place(home[p])
        useds[d] = (p in pool_used) ? pool_used[p] : mounted[p]
        avails[d] = most[p]; sizes[d] = useds[d] + avails[d]
        delete gone[d]; delete home[p]
    }
}
function shares(d, p) { return avails[d] >= 0.99 * most[p] } # the room of its pool, which changes while it is read

# What the receiver takes: 512 disks, 1024 characters each, 256 KiB in all. The fullest are kept.
function list_disks(   i, n, size, least, left, names, list) {
    for (i = 1; i <= disks; i++) {
        if (!(i in sizes) || (i in gone)) continue
        if (characters(mounts[i]) > 1024) { say(substr(mounts[i], 1, 80) "... is left out: its name is too long"); continue }
        item[i] = "{\"mount\":" json(mounts[i]) ",\"usage\":" percent(useds[i], useds[i] + avails[i]) ",\"size\":\"" \
            human(sizes[i]) "\",\"used\":\"" human(useds[i]) "\",\"avail\":\"" human(avails[i]) "\"}"
        n++; size += length(item[i]) + 1
    }
    for (; n > 512 || size > 255000; n--) {
        least = 0
        for (i = 1; i <= disks; i++) if ((i in item) && (!least || part(i) <= part(least))) least = i
        size -= length(item[least]) + 1
        delete item[least]
        if (++left <= 3) names = names ", " mounts[least]
    }
    if (left) say(left " disks, the least full ones, are left out, for a report holds no more" names (left > 3 ? ", ..." : ""))
    for (i = 1; i <= disks; i++) if (i in item) list = list (list == "" ? "" : ",") item[i]
    return "[" list "]"
}
function part(i) { return useds[i] / (useds[i] + avails[i]) }

BEGIN {
    t = "[\200-\277]"
    utf8 = "^([ -\177]|[\302-\337]" t "|\340[\240-\277]" t "|[\341-\354\356\357]" t t "|\355[\200-\237]" t \
        "|\360[\220-\277]" t t "|[\361-\363]" t t t "|\364[\200-\217]" t t ")*$"
}
split($0, f, "\t") == 3 && (f[2] f[3]) ~ /^[0-9]+$/ { pool_used[f[1]] = f[2] / 1024; pool_avail[f[1]] = f[3] / 1024; next }
match($0, / +[0-9]+ +-?[0-9]+ +-?[0-9]+ +[0-9-]+%? +\//) {
    split(substr($0, RSTART, RLENGTH - 1), f)
    disk(f[1], f[2], f[3], substr($0, RSTART + RLENGTH - 1)); next
}
$1 == "disk" { disk($2, $3, $4, rest(4)) }
$1 == "shared" { shared[plain(unescaped($2))] }
$1 == "place" { place(plain(unescaped($2))) }
$1 == "zfs" { set[++sets] = unescaped($2); set_mount[sets] = plain(unescaped($3)) }
$1 == "ticks" { before = after; after = rest(1) }
$1 == "cpu" { usage = percent($2, 100); iowait = NF > 2 ? percent($3, 100) : "" }
$1 ~ /^(memory|swap|network|load)$/ { first[$1] = $2; second[$1] = $3; third[$1] = $4 }
$1 ~ /^(os|hostname|kernel)$/ { said[$1] = rest(1) }
$1 == "warn" { say(rest(1)) }
$1 == "note" { note(rest(1)) }
$1 == "fail" { say(rest(1)); failed = 1; exit }
END {
    if (after != "") ticks()
    if (!failed && usage == "") { say("this machine does not say how busy it is"); failed = 1 }
    if (!failed && first["memory"] <= 0) { say("this machine does not say how much memory it has"); failed = 1 }
    if (failed) exit 1
    add("cpu_usage", usage); if (iowait != "") add("cpu_iowait", iowait)
    add("memory_usage", percent(first["memory"] - second["memory"], first["memory"]))
    add("memory_total_mb", sprintf("%.0f", int(first["memory"] / 1024)))
    if (first["swap"] > 0) add("swap_usage", percent(first["swap"] - second["swap"], first["swap"]))
    pools(); add("disk_usage", list_disks())
    if (second["network"] != "") {
        add("network_rx_bytes", sprintf("%.0f", first["network"])); add("network_tx_bytes", sprintf("%.0f", second["network"]))
    }
    if (third["load"] != "") { add("load_1m", first["load"]); add("load_5m", second["load"]); add("load_15m", third["load"]) }
    text("os"); text("hostname"); text("kernel")
    print "{" report "}"
}'

# ---- What one run leaves to the next, in $state: the CPU's counters, and the processes that hang on a dead disk.
#
# Only runs by cron or a timer have such a folder; it belongs to the user that does the work. A process is known by its
# number and its start, so a number that was given away again is not mistaken for it.

nl='
'

started() { # PID: sets start, or `ended` if it is; - where nothing tells
    if ! { read -r line <"/proc/$1/stat"; } 2>/dev/null; then # macOS and FreeBSD
        start=$(ps -o lstart= -p "$1" 2>/dev/null | tr -s ' ' _)
        start=${start:--} start=${start%_}
        return
    fi
    set -f
    # shellcheck disable=SC2086  # words are wanted: all that follows the name, which may hold anything
    set -- ${line##*') '}
    set +f
    start=${20:-}
    [ "$1" != Z ] || start=ended
}

running() { # PID START
    case $1 in '' | *[!0-9]*) return 1 ;; esac
    kill -0 "$1" 2>/dev/null || return 1
    started "$1"
    [ "$start" = "$2" ]
}

own_file() { [ -f "$1" ] && [ ! -h "$1" ] && [ -O "$1" ]; }

keep() { # FILE TEXT: replaces it in one step and follows no link; what cannot be kept does not cost the report
    place=${1%/*}
    [ -d "$place" ] || mkdir -p "$place" 2>/dev/null
    { [ -O "$place" ] && [ ! -h "$place" ]; } || return 0 # root runs the script by hand, and the folder is the user's
    for each in "$1" "$1.new"; do [ ! -h "$each" ] || rm -f "$each"; done
    [ ! -e "$1.new" ] || rm -f "$1.new"
    { (set -C && printf '%s\n' "$2" >"$1.new") && mv -f "$1.new" "$1"; } 2>/dev/null
}

take_turn() { # sets kept, where this run leaves its mark, and since: the counters that the last one left, if they will do
    kept='' since=''
    [ "$command" = send ] && [ -n "$state" ] || return 0
    kept=$state/run now=$(date +%s) pid='' known='' when=''
    ! own_file "$kept" || read -r pid known when since <"$kept"
    [ "$pid" = $$ ] || ! running "$pid" "$known" || fail 1 "the run before this one has not ended yet"
    case $when in '' | 0* | *[!0-9]* | ????????????*) since='' when=0 ;; esac
    if [ "$now" -lt "$when" ] || [ $((now - when)) -gt 600 ]; then since=''; fi
    started $$
    mark="$$ $start $now"
}

risen() { # whether there are counters in $since, and none in $ticks is below them (those of guests are within others)
    case $since in '' | "$ticks" | *[!0-9\ -]* | *-[0-9]*) return 1 ;; esac
    rest="$since " count=0
    for value in $ticks; do
        before=${rest%% *} rest=${rest#* } count=$((count + 1))
        [ "$value" = - ] || [ "$count" -gt 8 ] || [ "$value" -ge "${before:-none}" ] 2>/dev/null || return 1
    done
}

measure_cpu() { # COMMAND, which sets ticks: counters since boot; prints earlier and present ones
    "$1"
    if ! risen; then
        since=$ticks
        sleep 1
        "$1"
    fi
    [ -z "$kept" ] || keep "$kept" "$mark $ticks"
    printf 'ticks %s\nticks %s\n' "$since" "$ticks"
}

# ---- Disks, asked so that a dead one costs neither the report nor the other disks.
#
# A process that waits for a dead disk cannot be killed, so nothing here waits for it: answers come through a pipe that
# is read for some seconds. What was left behind is remembered, and its disk is not asked again until it has ended.
# No disk is woken: what df asks for, the kernel knows.

within() { # SECONDS: passes on what comes for so long; 0 if that was all
    timeout "$1" cat && return
    case $? in 124 | 137 | 143) return 1 ;; esac
    timeout -t "$1" cat && return # busybox before 1.30
    case $? in 124 | 137 | 143) return 1 ;; esac
    deadline=$(($(date +%s) + $1))
    exec 3<&0
    cat <&3 &
    reader=$!
    { while [ "$(date +%s)" -lt "$deadline" ]; do sleep 1; done && kill "$reader"; } >/dev/null 3<&- &
    wait "$reader"
    set -- $?
    kill $!
    return "$1"
} 2>/dev/null

unescape() { # NAME as in /proc/mounts, where a space is \040: sets name
    name='' rest=$1
    while [ "$rest" != "${rest#*\\}" ]; do name="$name${rest%%\\*}\\0" rest=${rest#*\\}; done # printf wants \0040
    name=$(printf '%b.' "$name$rest")
    name=${name%.}
}

df_of() { # DISK…: each is its mounts, the best first; one that is a file (in containers) will not do
    exec 2>/dev/null # and no copy of it is kept by what may be left behind
    set -f
    for mounts; do
        shift
        visible=''
        for name in $mounts; do
            case $name in *\\*) unescape "$name" ;; esac
            [ ! -e "$name" ] || visible=yes
            if [ -d "$name" ]; then
                set -- "$@" "$name"
                break
            fi
        done
        [ "$visible" ] || echo "note ${mounts%% *} is left out: $(id -un) may not look into a folder above it"
    done
    [ $# -eq 0 ] || exec df -P -k -- "$@"
}

recall() { # sets blocked: "PID START DISK" of each process that still waits for its disk, or that hangs
    blocked='' known_blocked='' memory=${state:-$user_folder/state}/blocked
    own_file "$memory" || return 0
    while read -r pid known disk; do
        ! running "$pid" "$known" || blocked="$blocked$pid $known $disk$nl"
    done <"$memory"
    known_blocked=$blocked
    [ "$blocked" ] || rm -f "$memory"
}

is_blocked() { # DISK
    case $blocked in *" $1$nl"*) echo "warn $1 is left out: it still does not answer" ;; *) return 1 ;; esac
}

give_up() { # PID DISK
    kill -9 "$1"
    started "$1"
    blocked="$blocked$1 $start $2$nl"
    echo "warn $2 is left out: it does not answer"
} 2>/dev/null

# What is asked is named by a line "asked:PID DISK" among the answers, which counts where "answered:DISK" is missing.

tell_answers() { # STATUS of within: prints $answer; if that was not all, those that have not answered are given up
    if [ "$1" = 0 ]; then printf '%s\n' "$answer" && return; fi
    set -f
    IFS=$nl
    # shellcheck disable=SC2086  # words are wanted: one for each line
    set -- $answer
    unset IFS
    for line; do
        case $line in
        answered:*) ;;
        asked:*)
            pid=${line#asked:} disk=${line#* }
            case $answer$nl in *"${nl}answered:$disk$nl"*) ;; *) give_up "${pid%% *}" "$disk" ;; esac
            ;;
        *) printf '%s\n' "$line" ;;
        esac
    done
}

ask() { # SECONDS COMMAND: adds to $said what it prints; one that hangs adds nothing, and is given up as a disk is
    seconds=$1
    shift
    if ! command -v "$1" >/dev/null || is_blocked "$1"; then return; fi
    if answer=$({ "$@" 2>/dev/null & echo "asked:$!"; } | within "$seconds"); then
        said=$said$nl$answer
    else
        answer=${answer##*asked:}
        give_up "${answer%%"$nl"*}" "$1"
    fi
}

ask_zfs() { # prints a line for each pool: its name, bytes used and available, with tabs between
    said=''
    ask 5 zfs list -Hp -o name,used,avail -d 0
    printf '%s\n' "$said"
}

ask_disks() { # DISK…: prints what df says of all at once, or, if that takes too long, of each by itself
    [ -z "$blocked" ] || for mounts; do
        shift
        is_blocked "${mounts%% *}" || set -- "$@" "$mounts"
    done
    [ $# -gt 0 ] || return 0
    if answer=$({ df_of "$@" & echo "asked:$! all disks"; } | within 2); then
        tell_answers 0
    else
        tell_answers 1 >/dev/null
        for mounts; do echo "place ${mounts%% *}"; done
        answer=$(for mounts; do ask_one "$mounts" & done | within 3)
        tell_answers $?
    fi
}

ask_one() { # DISK
    exec 2>/dev/null
    df_of "$1" &
    echo "asked:$! ${1%% *}"
    wait
    echo "answered:${1%% *}"
}

ask_all() { # READINGS: prints them, and what is said by the disks that follow their line `disks`, and by their pools
    case $1 in *"${nl}zfs "*) ask_zfs ;; esac
    set -f
    IFS=$nl
    # shellcheck disable=SC2086  # words are wanted: one for each line
    set -- $1
    unset IFS
    for line; do
        shift
        [ "$line" != disks ] || break
        printf '%s\n' "$line"
    done
    ask_disks "$@"
    [ "$blocked" = "$known_blocked" ] || keep "$memory" "${blocked%"$nl"}"
}

# ---- Linux: what /proc and /sys/class say.

linux_ticks() { read -r _ ticks </proc/stat; }

# A card has a device. Its bytes are counted elsewhere if it works for a master with a device of its own (in cloud VMs), is
# a port of a switch whose conduit has one (OpenWrt), or the end of a virtual machine's card (Xen).
linux_cards() { # sets cards, and where there are none (containers) inner: those whose bytes others count as well
    cards=' ' inner=' '
    for dir in /sys/class/net/*; do
        card=${dir##*/}
        if [ ! -e "$dir/device" ] || [ -e "$dir/master/device" ]; then continue; fi
        for lower in "$dir"/lower_*; do [ ! -e "/sys/class/net/${lower##*/lower_}/dsa" ] || card=vif; done
        case $card in vif*) ;; *) cards="$cards$card " ;; esac
    done
    [ "$cards" = ' ' ] || return 0
    for dir in /sys/class/net/*; do
        for sign in "$dir"/bridge "$dir"/lower_* "$dir"/master/bridge; do
            [ ! -e "$sign" ] || case ${dir##*/} in e[nt]*) ;; *) inner="$inner${dir##*/} " ;; esac
        done
    done
}

linux_readings() {
    if [ ! -r /proc/stat ]; then
        echo 'fail there is no /proc/stat: this agent is for Linux, macOS and FreeBSD; see `agentmon agent` elsewhere'
        return
    fi
    measure_cpu linux_ticks
    linux_cards
    ask_all "$(awk -v cards="$cards" -v inner="$inner" "$linux_awk")"
}

linux_awk='
function first(file,   line) { getline line < file; close(file); return line }

# As `free` does: what the kernel says is available, or what it would say, and what the cache of ZFS can give back.
function memory(   line, f, m, free) {
    while ((getline line < "/proc/meminfo") > 0) { split(line, f); m[f[1]] = f[2] }
    free = m["MemAvailable:"]
    if (free <= 0) {
        free = m["MemFree:"] + m["SReclaimable:"]
        if (("Active(file):" in m) && ("Inactive(file):" in m)) free += m["Active(file):"] + m["Inactive(file):"]
        else free += m["Buffers:"] + m["Cached:"] - m["Shmem:"]
    }
    if (free > m["MemTotal:"]) free = m["MemFree:"]
    free = (free > 0 ? free : 0) + zfs_cache()
    if (free > m["MemTotal:"]) free = m["MemTotal:"]
    printf "memory %.0f %.0f\nswap %.0f %.0f\n", m["MemTotal:"], free, m["SwapTotal:"], m["SwapFree:"]
}
function zfs_cache(   line, f, bytes) { # KiB beyond its least size; in a container it is the cache of the host
    while ((getline line < "/proc/spl/kstat/zfs/arcstats") > 0)
        if (split(line, f) == 3 && f[3] ~ /^[0-9]+$/) bytes[f[1]] = f[3]
    if (lxcfs || !("size" in bytes) || !("c_min" in bytes) || bytes["size"] + 0 < bytes["c_min"] + 0) return 0
    return (bytes["size"] - bytes["c_min"]) / 1024
}

# Bytes since boot over the cards; without any, over all that is no loopback, bridge, bond, tunnel or end of a pair.
function network(   line, f, n, i, name, rx, tx, has_cards, seen, virtual) {
    virtual = "^(lo$|veth|br|docker|podman|virbr|vmbr|lxcbr|lxdbr|incusbr|xenbr|vnet|vif|tap|fw(br|pr|ln)|cni|cali|cilium|flannel" \
        "|lxc[_0-9]|vxlan|geneve|ovs|tun|wg|tailscale|zt|ifb|imq|dummy|sit|gre|erspan|ip6|ip_vti|ipvlan|macv|nlmon|bond|team|vlan|ppp)" \
        "|[.][0-9]+$"
    while ((getline line < "/proc/net/dev") > 0) {
        if (!sub(/:/, " ", line) || split(line, f) < 10) continue
        name[++n] = f[1]; rx[n] = f[2]; tx[n] = f[10]
        if (index(cards, " " f[1] " ")) has_cards = 1
    }
    for (i = 1; i <= n; i++) {
        if (has_cards ? !index(cards, " " name[i] " ") : name[i] ~ virtual || index(inner, " " name[i] " ")) continue
        rx[0] += rx[i]; tx[0] += tx[i]; seen = 1
    }
    if (seen) printf "network %.0f %.0f\n", rx[0], tx[0]
}

# os-release is read as its page says, and not run; Synology has a file of its own.
function settings_of(file, into,   line, key, n) {
    while ((getline line < file) > 0) {
        sub(/\r$/, "", line)
        sub(/[ \t]+$/, "", line); sub(/^[ \t]+/, "", line)
        if (line !~ /^[A-Za-z_][A-Za-z0-9_]*=("([^"\\]|\\.)*"|\047[^\047]*\047|[^ \t"\047]*)$/) continue
        key = line; sub(/=.*/, "", key)
        into[key] = unquoted(substr(line, length(key) + 2)); n++
    }
    return n
}
function unquoted(s,   q, out) {
    q = substr(s, 1, 1)
    if (q == "\"" || q == "\047") s = substr(s, 2, length(s) - 2)
    while (q != "\047" && match(s, /\\[\\$"`\047]/)) {
        out = out substr(s, 1, RSTART - 1) substr(s, RSTART + 1, 1)
        s = substr(s, RSTART + 2)
    }
    return out s
}
function system_name(   os, dsm) {
    if (settings_of("/etc.defaults/VERSION", dsm) && dsm["productversion"] != "")
        return "Synology " (dsm["os_name"] == "" ? "DSM" : dsm["os_name"]) " " dsm["productversion"]
    if (!settings_of("/etc/os-release", os)) settings_of("/usr/lib/os-release", os)
    if (os["PRETTY_NAME"] != "") return os["PRETTY_NAME"]
    if (os["NAME"] != "") return os["NAME"] (os["VERSION"] == "" ? "" : " " os["VERSION"])
    return "Linux"
}

# Which mounts are disks, and of each disk the one that df would name.
function read_mounts(   line, f, g) {
    while ((getline line < "/proc/filesystems") > 0) if (split(line, f) == 1) on_device[f[1]]
    while ((getline line < "/proc/self/mountinfo") > 0) {
        split(line, f); folder[f[5]] = f[4]
        sub(/.* - /, "", line); split(line, g); whole[f[5]] = g[3] # in a unit each mount may be read-only, by itself
    }
    while ((getline line < "/proc/mounts") > 0) {
        split(line, f); n++; device[n] = f[1]; point[n] = f[2]; type[n] = f[3]
        read_only[n] = (f[2] in whole ? whole[f[2]] : f[4]) ~ /^ro(,|$)/
        if (f[3] == "autofs" && f[4] ~ /(^|,)timeout=0*[1-9]/) idle[f[2]]
        if (f[3] == "fuse.lxcfs" && f[2] ~ /\/meminfo$/) lxcfs = 1
    }
}
function below(path, points) { # whether it is one of them or lies in one; all lies in /, which hides nothing
    for (; path ~ "^/"; sub("/[^/]*$", "", path)) if (path in points) return 1
    return 0
}
function is_disk(i,   t) { # no images, which are always full, no memory, nothing of other machines
    t = type[i]
    if (t ~ /^(squashfs|erofs|cramfs|romfs|iso9660|udf|tmpfs|ramfs|rootfs|devtmpfs)$/) return 0
    if (read_only[i] && (device[i] ~ /^\/dev\/loop/ || t ~ /^(overlay|composefs|aufs)$/)) return 0
    if (t == "zfs" && (device[i] ~ /@/ || point[i] ~ /\/\.zfs\/snapshot\//)) return 0
    if ((t in on_device) || t ~ known) return 1
    return point[i] == "/" && !read_only[i] && t !~ /^(nfs|cifs|smb|ceph|glusterfs|lustre|afs|coda)/
}
function better(a, b) {
    if (read_only[a] != read_only[b]) return read_only[b]
    if (is_bind(a) != is_bind(b)) return is_bind(b)
    if (size_of(point[a]) != size_of(point[b])) return size_of(point[a]) < size_of(point[b])
    return a < b
}
function is_bind(i) { # of a folder of the disk; a subvolume of btrfs looks alike, and is the disk
    return type[i] != "btrfs" && point[i] != "/" && (point[i] in folder) && folder[point[i]] != "/"
}
function size_of(name) { return length(name) - 3 * gsub(/\\[0-7][0-7][0-7]/, "&", name) } # without the escapes

function choose_mounts(   i, d, later) {
    known = "^(ext[234]|xfs|btrfs|zfs|bcachefs|f2fs|jfs|nilfs2|reiserfs|reiser4|ocfs2|gfs2|ubifs|jffs2" \
        "|vfat|msdos|exfat|ntfs3?|fuseblk|hfs|hfsplus|apfs|ufs)$"
    for (i = n; i; i--) { hidden[i] = below(point[i], later); later[point[i]] }
    for (i = 1; i <= n; i++) {
        d = device[i]
        if (hidden[i] || !is_disk(i)) continue
        if (below(point[i], idle)) { if (!(d in asleep)) asleep[d] = point[i]; continue }
        if (!count[d]++) disk[++disks] = d
        member[d, count[d]] = i
    }
}
function in_order(d,   k, j, m, best, line) { # its mounts, the best first; sixteen of them will do
    for (k = 1; k <= 16 && k <= count[d]; k++) {
        best = 0
        for (j = 1; j <= count[d]; j++) { m = member[d, j]; if (!taken[m] && (!best || better(m, best))) best = m }
        taken[best] = 1
        line = line (k > 1 ? " " : "") point[best]
        if (k == 1) top[d] = best
    }
    return line
}
function print_disks(   i, d, line, size) {
    for (d in asleep) if (!count[d]) print "note " asleep[d] " is not asked: it would never be unmounted when idle (autofs)"
    for (i = 1; i <= disks; i++) {
        line = in_order(disk[i])
        at[top[disk[i]]] = line
        if (type[top[disk[i]]] == "zfs") print "zfs", disk[i], point[top[disk[i]]]
    }
    print "disks"
    for (i = 1; i <= n; i++) if ((i in at) && (size += length(at[i])) < 1000000) print at[i] # what exec takes
}

BEGIN {
    read_mounts(); choose_mounts(); memory(); network()
    print "load", first("/proc/loadavg")
    print "os", system_name()
    print "hostname", first("/proc/sys/kernel/hostname")
    print "kernel", first("/proc/sys/kernel/osrelease")
    print_disks()
}'

# ---- What macOS and FreeBSD share.

netstat_awk='
function escaped(name) { # as Linux writes it in /proc/mounts
    gsub(/\\/, "\\134", name); gsub(/ /, "\\040", name); gsub(/\t/, "\\011", name)
    return name
}
# Of `netstat -ibn` the lines of the cards themselves; a column before the packets may be missing, so it is counted from
# the right. A card that is down has a star.
$1 == "Name" && /Ibytes/ { for (i = 1; i <= NF; i++) { if ($i == "Ibytes") rx_at = NF - i; if ($i == "Obytes") tx_at = NF - i } }
$3 ~ /^<Link#/ && rx_at { sub(/[*]$/, "", $1); rx[$1] = $(NF - rx_at); tx[$1] = $(NF - tx_at) }
function total_traffic(virtual,   name, in_all, out_all, seen) {
    for (name in rx) if (name !~ virtual) { in_all += rx[name]; out_all += tx[name]; seen = 1 }
    if (!seen) for (name in rx) if (name ~ /^epair/) { in_all += rx[name]; out_all += tx[name]; seen = 1 } # a jail of its own
    if (seen) printf "network %.0f %.0f\n", in_all, out_all
}
'

# ---- FreeBSD: what sysctl, swapinfo, mount and netstat say.

freebsd_ticks() { # user nice system idle iowait irq; FreeBSD counts user nice system interrupt idle
    # shellcheck disable=SC2046  # words are wanted
    set -- $(sysctl -n kern.cp_time)
    ticks="$1 $2 $3 $5 - $4"
}

freebsd_memory() { # what is free or inactive, and what the cache of ZFS can give back, is available
    size=$(sysctl -n kstat.zfs.misc.arcstats.size) least=$(sysctl -n kstat.zfs.misc.arcstats.c_min)
    printf '%s ' memory "$(sysctl -n hw.physmem)" "$(sysctl -n hw.pagesize)" "$(sysctl -n vm.stats.vm.v_free_count)" \
        "$(sysctl -n vm.stats.vm.v_inactive_count)" "${size:-0}" "${least:-0}"
    echo
} 2>/dev/null

freebsd_readings() {
    measure_cpu freebsd_ticks
    said="$(freebsd_memory)${nl}load $(sysctl -n vm.loadavg)"
    ask 4 swapinfo -k
    ask 4 netstat -ibn
    said=$said${nl}mounts
    ask 4 mount -p
    ask_all "$(printf '%s\n' "$said" | awk "$netstat_awk$freebsd_awk")"
    echo "os $(freebsd_name)"
    echo "hostname $(hostname)"
    echo "kernel $(uname -r)"
}

freebsd_name() {
    release=$(freebsd-version 2>/dev/null) || release=$(uname -r)
    echo "FreeBSD $release"
}

freebsd_awk='
$1 == "memory" {
    free = ($4 + $5) * $3
    if ($6 > $7) free += $6 - $7
    printf "memory %.0f %.0f\n", $2 / 1024, (free > $2 ? $2 : free) / 1024
}
$1 == "load" { print "load", $3, $4, $5 }
$1 ~ /^\/dev\// && !mounts && NF == 5 { swap += $2; swap_free += $4 } # the line Total, where there is one, says it again
$0 == "mounts" { mounts = 1; next }
# Between device, mount and type are tabs, or one space after what is long; each of them may hold spaces, too.
mounts && match($0, /[ \t]+(ufs|zfs|msdosfs|ext2fs)\t/) {
    type = substr($0, RSTART, RLENGTH); gsub(/[ \t]/, "", type)
    device = mount = substr($0, 1, RSTART - 1)
    if (!sub(/\t.*/, "", device)) sub(/ \/.*/, "", device)
    mount = substr(mount, length(device) + 1); sub(/^[ \t]+/, "", mount)
    if (device ~ /^\/dev\/md|@/) next # a disk in memory, a snapshot
    if (type == "zfs") datasets = datasets "zfs " escaped(device) " " escaped(mount) "\n"
    if (device in seen) next
    seen[device]
    disks = disks escaped(mount) "\n"
}
END {
    if (swap > 0) printf "swap %.0f %.0f\n", swap, swap_free
    total_traffic("^(lo|lagg|vlan|bridge|tap|tun|epair|wg|ovpn|enc|pflog|pfsync|gif|gre|stf|ng|ipfw|usbus|vm-|vnet|carp)|[.]")
    printf "%sdisks\n%s", datasets, disks
}'

# ---- macOS: what top, vm_stat, sysctl, mount and netstat say.

macos_readings() {
    said="memsize $(sysctl -n hw.memsize)${nl}swap $(sysctl -n vm.swapusage)${nl}load $(sysctl -n vm.loadavg)"
    ask 4 top -l 2 -n 0 -s 1 # the first sample is since boot
    ask 4 vm_stat
    ask 4 netstat -ibn
    said=$said${nl}mounts
    ask 4 mount
    ask_all "$(printf '%s\n' "$said" | awk "$netstat_awk$macos_awk")"
    echo "os $(sw_vers -productName) $(sw_vers -productVersion)"
    echo "hostname $(hostname)"
    echo "kernel $(uname -r)"
} 2>/dev/null

macos_awk='
function amount(word) { # 512.00M in KiB
    return word * (word ~ /G$/ ? 1048576 : word ~ /M$/ ? 1024 : word ~ /K$/ ? 1 : 1 / 1024)
}
function value_after(word,   i) { for (i = 1; i < NF; i++) if ($i == word) return $(i + 2); return 0 }

/^CPU usage:/ { busy = $3 + $5; measured = 1 }
$1 == "memsize" { total = $2 }
/page size of/ { for (i = 1; i < NF; i++) if ($i == "of") page = $(i + 1) }
/^(Pages|Anonymous pages).*:/ { name = $0; sub(/:.*/, "", name); pages[name] = $NF + 0 }
$1 == "swap" { swap = amount(value_after("total")); swap_free = swap - amount(value_after("used")) }
$1 == "load" { print "load", $3, $4, $5 }
$0 == "mounts" { mounts = 1; next }
mounts && match($0, / on \//) { choose(substr($0, 1, RSTART - 1), substr($0, RSTART + 4)) }

# The volumes of one APFS container share its space, so it is one disk, under its shortest mount. No disks of a person
# are: system volumes and what the Finder hides (nobrowse), images (read-only), snapshots, and the shares of others.
function choose(device, rest,   i, mount, options, type) {
    for (i = length(rest); i && substr(rest, i, 2) != " ("; i--) ;
    mount = substr(rest, 1, i - 1)
    options = ", " substr(rest, i + 2, length(rest) - i - 2) ", "
    type = options; sub(/^, /, "", type); sub(/,.*/, "", type)
    if (type !~ /^(apfs|hfs|msdos|exfat|ntfs|ufs|zfs)$/ || options !~ /, local, / || device !~ /^(\/dev\/)?[^@]*$/) return
    if (mount != "/" && (options ~ /, (nobrowse|read-only), / || mount ~ /^\/(System|private)\/|\/[.]timemachine/)) return
    if (type == "zfs") { print "zfs", escaped(device), escaped(mount); order[++n] = device; home[device] = mount; return }
    if (type == "apfs") sub(/(s[0-9]+)+$/, "", device)
    if (!(device in home)) order[++n] = device
    else if (length(home[device]) <= length(mount)) return
    home[device] = mount; container[device] = type == "apfs"
}

END {
    if (measured) print "cpu", busy
    used = pages["Anonymous pages"] - pages["Pages purgeable"] + pages["Pages wired down"] + pages["Pages occupied by compressor"]
    if (page > 0 && used > 0) printf "memory %.0f %.0f\n", total / 1024, (total - used * page) / 1024
    if (swap > 0) printf "swap %.0f %.0f\n", swap, swap_free
    total_traffic("^[^e]|^e[^n]|^en[^0-9]")
    for (i = 1; i <= n; i++) if (container[order[i]]) print "shared", escaped(home[order[i]])
    print "disks"
    for (i = 1; i <= n; i++) print escaped(home[order[i]])
}'

# ---- Sending.

user_agent() { # agentmon-agent/VERSION (sh; SYSTEM)
    case $system in Darwin) os=macos ;; FreeBSD) os=freebsd ;; *) os=linux ;; esac
    agent="agentmon-agent/$version (sh; $os)"
}

choose_client() { # sets client: curl, or the wget that this is by its own help; ends the run if none here will do
    user_agent
    client=curl
    if command -v curl >/dev/null; then return; fi
    [ -z "$pin" ] || fail 1 "to trust a pinned public key needs curl: install it, or use --cacert"
    limit=''
    for try in 'timeout 25' 'timeout -t 25'; do $try true 2>/dev/null && limit=$try && break; done # busybox before 1.30
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
    # shellcheck disable=SC2086  # words are wanted
    HOME=/nonexistent $limit wget -O - "$@"
}

post() { # sends $body, which holds the key, so no argument; prints all that came back, and the client's own complaint
    set -- 'Content-Type: application/json' "$url/agent/report"
    if [ "$client" = curl ]; then
        printf '%s\n' "$body" | curl_ -i -H 'Expect:' -H "$1" --data-binary @- "$2"
    elif file=$(mktemp "${TMPDIR:-/tmp}/agentmon.XXXXXX"); then
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
    json_key=$key
    case $key in *[\"\\]*) json_key=$(printf '%s' "$key" | sed 's/["\\]/\\&/g') ;; esac
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

# ---- launchd (macOS): a daemon of the system that runs as the agent's own user. For root only; others use cron there.

job=org.agentmon.agent
plist=/Library/LaunchDaemons/$job.plist

launchd_here() { [ -n "$root" ] && [ "$system" = Darwin ] && command -v launchctl >/dev/null; }

launchd_schedule() { # its minute is counted from the moment that it is loaded, so it needs no second of its own
    put 644 "$plist" "<?xml version=\"1.0\" encoding=\"UTF-8\"?>
<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">
<plist version=\"1.0\">
<dict>
    <key>Label</key><string>$job</string>
    <key>UserName</key><string>${user:-root}</string>
    <key>ProgramArguments</key><array><string>/bin/sh</string><string>$folder/agent.sh</string></array>
    <key>RunAtLoad</key><true/>
    <key>StartInterval</key><integer>60</integer>
</dict>
</plist>"
    launchctl bootstrap system "$plist" || fail 1 "launchd did not load $plist"
}

launchd_run_once() { # it runs when it is loaded; this waits for the outcome
    wait_up_to 60 launchd_has_run
    why="launchctl print system/$job tells more"
    case $(cat "$folder/last") in *' took the report') ;; *) return 1 ;; esac
}

launchd_has_run() { [ "$(cat "$folder/last")" != "$no_report" ]; }

launchd_unschedule() {
    [ -n "$root" ] && [ -e "$plist" ] || return 0
    launchctl bootout "system/$job" 2>/dev/null
    wait_up_to 10 launchd_unloaded # until then it cannot be loaded anew
    rm -f "$plist"
}

launchd_unloaded() { ! launchctl print "system/$job" >/dev/null 2>&1; }

launchd_runs() { [ -e "$plist" ] && ! launchd_unloaded; }

wait_up_to() { # SECONDS COMMAND
    count=$1
    until "$2" || [ "$count" = 0 ]; do
        sleep 1
        count=$((count - 1))
    done
}

# ---- cron: a line in the crontab of the one who runs the agent, in a file of its own ($cron_file: FreeBSD, Unraid), or in
# /etc/crontab where no command keeps crontabs (Synology).

cron_mark='# agentmon-agent'
system_crontab=/etc/crontab

cron_here() { [ -n "$cron_file" ] || command -v crontab >/dev/null || { [ -n "$root" ] && [ -w "$system_crontab" ]; }; }

cron_of() { # USER ARGUMENTS; on Linux no file in /etc/cron.d, of which busybox knows nothing
    whose=$1
    shift
    if [ -n "$root" ]; then crontab -u "${whose:-$(id -un)}" "$@"; else crontab "$@"; fi 2>/dev/null
}

cron_reload() { [ "$system" = FreeBSD ] || update_cron; } # FreeBSD's cron looks by itself

cron_schedule() { # SECOND
    command="sleep $1; sh '$folder/agent.sh' >/dev/null 2>&1 $cron_mark"
    if [ -n "$cron_file" ]; then
        case $system in FreeBSD) whose="${user:-root} " ;; *) whose='' ;; esac
        put 600 "$cron_file" "* * * * * $whose$command"
        cron_reload || fail 1 "update_cron did not take $cron_file"
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
        [ ! -e "$cron_file" ] || { rm -f "$cron_file" && cron_reload; }
    elif command -v crontab >/dev/null; then
        for name in "$(id -un)" ${root:+agentmon-agent}; do
            cron_of "$name" -l | grep -q "$cron_mark\$" || continue
            rest=$(cron_of "$name" -l | grep -v "$cron_mark\$")
            # At a terminal the crontab of BSD asks whether that is meant.
            if [ -n "$rest" ]; then printf '%s\n' "$rest" | cron_of "$name" -; else cron_of "$name" -r </dev/null; fi
        done
    elif [ -n "$root" ] && grep -qs "$cron_mark\$" "$system_crontab"; then
        rest=$(grep -v "$cron_mark\$" "$system_crontab")
        printf '%s\n' "$rest" >"$system_crontab"
    fi
}

cron_line() { # whether it is there
    if [ -n "$cron_file" ]; then
        cat "$cron_file" 2>/dev/null
    elif command -v crontab >/dev/null; then
        cron_of "$user" -l
    else
        cat "$system_crontab" 2>/dev/null
    fi | grep -q "$cron_mark\$"
}

cron_runs() {
    case $system in
    Darwin) cron_line ;; # launchd starts cron when there is a crontab
    FreeBSD) cron_line && pgrep -x cron >/dev/null ;;
    *) cron_line && grep -qsE '^(cron|crond|fcron|cronie|dcron)$' /proc/[0-9]*/comm ;;
    esac
}

# ---- Where things lie: OpenWrt's upgrades keep what is listed, Unraid keeps only /boot, FreeBSD has /etc/cron.d.

forgets_users='' cron_file=''
if [ -e /etc/unraid-version ]; then
    root_folder=/boot/config/plugins/agentmon-agent
    forgets_users=yes cron_file=$root_folder/agentmon-agent.cron
fi

freebsd_places() { # for root
    [ ! -d /etc/cron.d ] || cron_file=/etc/cron.d/agentmon-agent
    [ ! -e /data/freenas-v1.db ] || forgets_users=yes # TrueNAS CORE writes its users anew at each start
}

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

# ---- The agent's own user: it cannot log in, and shares its group with nobody, for the settings are readable by the group.

can_make_user() { # and run something as that user: OpenWrt, Synology and Unraid cannot
    case $system in
    FreeBSD) command -v pw ;;
    Darwin) command -v dscl ;;
    *) command -v su && { command -v useradd || command -v adduser; } ;;
    esac >/dev/null
}

make_user() {
    id "$user" >/dev/null 2>&1 && return
    case $system in
    FreeBSD) pw useradd "$user" -c 'agentmon agent' -d /var/empty -s /usr/sbin/nologin -w no ;;
    Darwin) macos_make_user ;;
    *) linux_make_user ;;
    esac || fail 1 "cannot make the user $user"
}

linux_make_user() {
    if command -v useradd >/dev/null; then
        useradd -r -M -d / -s /bin/false "$user"
    elif command -v addgroup >/dev/null && addgroup -S "$user" 2>/dev/null; then # busybox
        adduser -S -D -H -h / -s /bin/false -G "$user" "$user"
    else
        adduser -S -D -H -h / -s /bin/false "$user"
    fi
}

macos_make_user() { # the login window lists nobody whose number is below 500
    number=$({ dscl . -list /Users UniqueID && dscl . -list /Groups PrimaryGroupID; } |
        awk '{ taken[$NF] } END { for (n = 499; n in taken; n--); print n }')
    while read -r record attribute value; do
        dscl . -create "/$record/$user" "$attribute" "$value" || return 1
    done <<EOF
Groups PrimaryGroupID $number
Users UniqueID $number
Users PrimaryGroupID $number
Users RealName agentmon agent
Users NFSHomeDirectory /var/empty
Users UserShell /usr/bin/false
Users Password *
Users IsHidden 1
EOF
}

remove_user() { # who is busy with a report, or sleeps until its second, cannot be removed
    id agentmon-agent >/dev/null 2>&1 || return 0
    case $system in
    FreeBSD | Darwin) pkill -9 -u agentmon-agent ;;
    *) find /proc -maxdepth 1 -name '[0-9]*' -user agentmon-agent | while IFS= read -r dir; do kill -9 "${dir##*/}"; done ;;
    esac
    case $system in
    FreeBSD) pw userdel agentmon-agent ;;
    Darwin) for record in Users Groups; do dscl . -delete "/$record/agentmon-agent"; done ;;
    *) linux_remove_user ;;
    esac
}

linux_remove_user() {
    if command -v userdel >/dev/null; then
        userdel agentmon-agent 2>/dev/null || { sleep 1 && userdel agentmon-agent; } # until they are dead
    else
        deluser agentmon-agent
        command -v delgroup >/dev/null && delgroup agentmon-agent 2>/dev/null
    fi
}

as_user() { # COMMAND: as the agent's user and with no more in the environment than cron gives
    set -- env -i "PATH=$PATH" "HOME=${HOME:-/}" "$@"
    if [ -z "$user" ]; then
        "$@"
        return
    fi
    case $system in
    FreeBSD) chroot -u "$user" -g "$user" -G "$user" / "$@" ;; # su there uses root's shell: a menu, on firewalls
    Darwin) sudo -u "$user" "$@" ;;
    *) su -s /bin/sh "$user" -c "$*" ;;
    esac
}

# ---- Installing: for root, with a user of its own that does the work; for everyone else, as oneself.

no_report='no report yet'

places() { # sets root, folder, user: '' for the one who runs this; old_…: what an earlier agent.sh made
    root='' user='' folder=$user_folder
    old_lib=${XDG_DATA_HOME:-${HOME:-}/.local/share}/agentmon-agent old_state=$old_lib
    [ "$(id -u)" = 0 ] || return 0
    root=yes folder=$root_folder old_lib=/usr/local/lib/agentmon-agent old_state=/var/lib/agentmon-agent
    [ "$system" != FreeBSD ] || freebsd_places
    [ -z "$forgets_users" ] && can_make_user && user=agentmon-agent
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
    # Made anew: what its user left there is not to be given another owner.
    { rm -rf "$folder/state" && mkdir "$folder/state" && chmod 700 "$folder/state"; } || fail 1 "cannot write to $folder"
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
    chown "$user" "$folder/state"
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
    scheduler=''
    for each in systemd launchd cron; do
        if "${each}_here"; then scheduler=$each && return; fi
    done
}

schedule() { # sets runner: what runs the agent every minute
    # Each key has a second of its own, so that a fleet does not report in the same moment.
    second=$(printf '%s\n' "$key" | awk '{
        for (i = 33; i < 127; i++) code[sprintf("%c", i)] = i
        for (i = 1; i <= length($0); i++) sum = (sum * 31 + code[substr($0, i, 1)]) % 65521
        print sum % 55
    }')
    case $scheduler in
    systemd) systemd_schedule "$second" && runner='a systemd timer (agentmon-agent.timer)' ;;
    launchd) launchd_schedule && runner="launchd ($job)" ;;
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
    launchd_unschedule
    rm -rf "$old_lib" "$old_state"
}

first_report() { # by what will run it each minute: what root's shell can do, a user or a unit perhaps cannot
    here=$(memory_of "$report") why=''
    case $scheduler in
    systemd) systemd_run_once ;;
    launchd) launchd_run_once ;;
    *) as_user sh "$folder/agent.sh" ;;
    esac && failed='' || failed=yes
    last=$(cat "$folder/last")
    case $last in
    "$no_report") if [ -n "$failed" ]; then says="it did not run${why:+ ($why)}"; else echo "$tried" >"$folder/last"; fi ;;
    *) says=${last#* } ;;
    esac
    [ -z "$failed" ] || fail 1 "installed in $folder, but its first report failed: $says"
    [ -z "$root" ] || [ -n "$user" ] || tell "it runs as root: no user of its own can be made here, or none that lasts"
    there=$(cat "$folder/state/memory_total_mb" 2>/dev/null) || there=$here
    [ "$here" = "$there" ] || tell "$here MB of memory are seen here, but $there MB by what runs it: is /proc another there?"
    as_user sh "$folder/agent.sh" --missing
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
    if launchd_runs; then runner="launchd ($job)"; fi
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
    command=${1:-send}
    system=$(uname -s 2>/dev/null) || system=Linux
    [ $# -eq 0 ] || shift
    [ $# -eq 0 ] || [ "$command" = install ] || fail 2 "$command takes no $1; see --help"
    case $command in
    send | test)
        settings
        [ "$command" = send ] || warn_of_unit
        send || fail 1 "$says"
        [ "$command" = send ] || tell "$says"
        ;;
    --print) collect ;;
    --missing) collect >/dev/null ;;
    install) install_agent "$@" ;;
    uninstall) uninstall_agent ;;
    status) show_status ;;
    --help | -h | help) usage ;;
    *) fail 2 "there is no command $command; see --help" ;;
    esac
}

main "$@"
