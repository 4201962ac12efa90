# ---- Sending.

curl_() { # without a curlrc; -k is safe where the public key is pinned
    curl -q -g -sS --connect-timeout 10 --max-time 20 ${ca:+--cacert "$ca"} ${pin:+-k --pinnedpubkey "$pin"} "$@"
}

wget_() { # without a wgetrc, and without the .wget-hsts that GNU's leaves; busybox's crashes on -T
    [ "$client" = wget ] || set -- -nv -T 20 -t 1 --max-redirect=0 --content-on-error ${ca:+"--ca-certificate=$ca"} "$@"
    HOME=/nonexistent ${limit:+timeout 25} wget -O - "$@"
}

post() { # sends $body, which holds the key, so no argument; prints all that came back, and the client's own complaint
    set -- 'Content-Type: application/json' "$url/agent/report"
    if [ "$client" = curl ]; then
        printf '%s\n' "$body" | curl_ -i -H 'Expect:' -H "$1" --data-binary @- "$2"
    elif file=$(mktemp); then
        trap 'rm -f "$file"' EXIT
        trap 'exit 1' HUP INT TERM
        printf '%s\n' "$body" >"$file"
        wget_ -S -o /dev/stderr --header "$1" --post-file="$file" "$2"
    fi 2>&1
}

explain() { # sets says from $reply, and wait: the seconds after which to try again, or 0
    wait=0 hint='' message=${reply#*\"message\": \"} proxy=${http_proxy:-}
    if [ "$message" = "$reply" ]; then message='without a word'; else message=${message%%\"*}; fi
    case $url in https*) proxy=${https_proxy:-${HTTPS_PROXY:-}} ;; esac
    proxy=${proxy:+ (a proxy is set: is it the right one? busybox wget cannot report through any)}
    code=${reply#*onnection established} # that was the proxy
    case $code in *HTTP/*) code=${code#*HTTP/} code=${code#* } code=${code%%[!0-9]*} ;; *) code='' ;; esac
    case $code in
    '') says=$(printf '%s\n' "${reply##*curl: }" | if [ "$client" = curl ]; then sed q; else sed -n '$p'; fi) ;;
    404) says="does not know this key (404): its monitor was deleted or the key rotated" ;;
    422) says="refused the report (422): $message" ;;
    429 | 503)
        says="cannot take a report now ($code): $message"
        wait=$(printf '%s\n' "$reply" | sed -n 's/^ *[Rr]etry-[Aa]fter: *\([0-9]\{1,2\}\)[^0-9]*$/\1/p')
        [ "${wait:-31}" -le 30 ] || wait=0
        ;;
    *) says="answered $code, which is not what an agentmon receiver says: $message$proxy" ;;
    esac
    case $code$says in
    [0-9]*) ;;
    *[Rr]esolv* | *'bad address'*) hint='is the name in the URL right, and does DNS work here?' ;;
    *nreachable* | *'o route'*) hint='no network leads there from here' ;;
    *[Rr]efused* | *onnect\ to*) hint='does agentmon run there, is the port right, is the way there open?' ;;
    *'timed out'* | *timeout*) hint='most likely a firewall drops it' ;;
    *'not yet '*) hint='is the clock of this machine right?' ;;
    *'wrong version'* | *'establish SSL'* | *reset* | *'mpty reply'*) hint='does it speak https, or http alone?' ;;
    *pinned* | *'public key'*) hint='it has a new key, or is another: take a fresh install line' ;;
    *ertificate* | *SSL* | *TLS*) hint='its certificate is not trusted here, see --cacert and --pin' ;;
    esac
    [ -n "$code" ] || says="did not answer: $says${hint:+: $hint}$proxy"
    says="the receiver at $url $(printf '%s' "$says" | tr -cd ' -~' | cut -c 1-400)"
}

send() { # sets says; 0 when the report was taken
    check_settings
    key=$(printf '%s' "$key" | sed 's/["\\]/\\&/g')
    for try in 1 2; do
        report=$(collect) || exit 1
        body="{\"agent_key\":\"$key\",${report#?}"
        reply=$(post)
        case $reply in
        *HTTP/*\ 200*\"status\"*\"ok\"*) wait=0 taken=0 says="the receiver at $url took the report" ;;
        *) taken=1 && explain ;;
        esac
        if [ "$try" = 2 ] || [ "$wait" = 0 ]; then break; fi
        sleep "$wait"
    done
    if [ -w "$note" ]; then printf '%s %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$says" >"$note"; fi
    return "$taken"
}
