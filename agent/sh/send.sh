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
