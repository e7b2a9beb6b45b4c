# Read by the transfer scripts of the server (BASH_ENV) before their own first line. wsrep_sst_mariabackup makes
# every donor sleep for 10 seconds, so that the joiner's second receiver is listening. Trireme's donors connect
# again until it is (sockopt=retry in [sst]), and need not wait.
sleep() {
    if [ "$*" = 10 ]; then
        command sleep 0.2
    else
        command sleep "$@"
    fi
}
