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
