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
