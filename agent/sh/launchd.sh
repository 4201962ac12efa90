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
