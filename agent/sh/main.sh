main() {
    command=${1:-send} limit=''
    [ $# -eq 0 ] || shift
    if timeout 5 true 2>/dev/null; then limit=yes; fi # some have none, some want -t
    [ $# -eq 0 ] || [ "$command" = install ] || fail 2 "$command takes no $1; see --help"
    case $command in
    send | test)
        settings
        [ "$command" = send ] || warn_of_unit
        send || fail 1 "$says"
        [ "$command" = send ] || tell "$says"
        ;;
    --print) collect ;;
    install) install_agent "$@" ;;
    uninstall) uninstall_agent ;;
    status) show_status ;;
    --help | -h | help) usage ;;
    *) fail 2 "there is no command $command; see --help" ;;
    esac
}

main "$@"
