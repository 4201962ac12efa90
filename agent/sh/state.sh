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
