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
