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
