main() {
    command=${1:-send}
    system=$(uname -s 2>/dev/null) || system=Linux
    [ $# -eq 0 ] || shift
    [ $# -eq 0 ] || [ "$command" = install ] || fail 2 "$command takes no $1; see --help"
    case $command in
    send | test)
        settings
        [ "$command" = send ] || warn_of_unit
        send || fail 1 "$says"
        [ "$command" = send ] || tell "$says"
        ;;
    --print) collect ;;
    --missing) collect >/dev/null ;;
    install) install_agent "$@" ;;
    uninstall) uninstall_agent ;;
    status) show_status ;;
    --help | -h | help) usage ;;
    *) fail 2 "there is no command $command; see --help" ;;
    esac
}

main "$@"
