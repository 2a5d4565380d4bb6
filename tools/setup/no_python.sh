# Print how to install Python on this system.
. /etc/os-release 2>/dev/null || true
case "$ID $ID_LIKE" in
  *debian*|*ubuntu*) how='run "sudo apt-get install python3 python3-venv"' ;;
  *fedora*|*rhel*) how='run "sudo dnf install python3"' ;;
  *arch*) how='run "sudo pacman -S python"' ;;
  *) how='install Python 3.10 to 3.14' ;;
esac
[ "$1" = python3 ] || how="leave PYTHON out, or give the path of another"
echo "set-up: $1 not found: $how."
