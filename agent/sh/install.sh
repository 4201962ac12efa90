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
