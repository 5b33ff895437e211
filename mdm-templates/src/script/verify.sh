#!/bin/sh
# Asks one AI provider through the Flowstate proxy and says by its exit code what happened, for an MDM's compliance check.
# Exit codes: 0 routed, 1 not configured on this device, 2 the proxy refused the credential, 3 the proxy was not reached,
# 5 cannot run here.
set -eu
if [ -n "${ZSH_VERSION:-}" ]; then emulate sh; fi
FS_ROOT=''
PATH=/usr/bin:/bin:/usr/sbin:/sbin
LC_ALL=C
export PATH LC_ALL
FS_TARGET='https://api.openai.com/v1/models'
FS_SCHEME='@@SCHEME@@'

fs_answer() {
  printf 'flowstate: %s\n' "$2"
  exit "$1"
}

command -v curl >/dev/null || fs_answer 5 'curl is not installed'
if [ "$FS_SCHEME" = https ] && ! curl -V | grep -q HTTPS-proxy; then fs_answer 5 'this curl cannot speak to an https proxy'; fi

fs_home=${HOME:-}
if [ "$(id -u)" -eq 0 ]; then
  if [ "$(uname -s)" = Darwin ]; then
    fs_user=$(printf 'show State:/Users/ConsoleUser\n' | scutil | sed -n 's/^ *Name : //p' | head -n 1)
    [ -z "$fs_user" ] || fs_home=$(dscl . -read "/Users/$fs_user" NFSHomeDirectory | sed -n 's/^NFSHomeDirectory: //p')
  elif [ -n "${SUDO_USER:-}" ]; then
    fs_home=$(getent passwd "$SUDO_USER" | cut -d : -f 6)
  fi
fi
fs_env=$fs_home/.flowstate-proxy/env
[ -r "$fs_env" ] || fs_env=$FS_ROOT/etc/flowstate-proxy/env
[ -r "$fs_env" ] || fs_answer 1 'no Flowstate variables on this device'
# The file is read as text and never run: it belongs to the person, and this script may run as root.
fs_proxy=$(sed -n "s/^export HTTPS_PROXY='\([A-Za-z0-9%._~:/@-]*\)'\$/\1/p" "$fs_env")
case $fs_proxy in "$FS_SCHEME"://*) ;; *) fs_answer 1 'HTTPS_PROXY is not the one that this payload expects' ;; esac

# The credential goes to curl on its standard input, never in an argument.
fs_codes=$({
  printf 'proxy = "%s"\n' "$fs_proxy"
  [ ! -r "$FS_ROOT/etc/flowstate-proxy/ca.pem" ] || printf 'proxy-cacert = "%s"\n' "$FS_ROOT/etc/flowstate-proxy/ca.pem"
} | curl -q -sS -o /dev/null --noproxy '' --max-time 20 -w '%{http_connect} %{http_code}' -K - "$FS_TARGET" 2>/dev/null) || :
case $fs_codes in
  '200 000') fs_answer 0 'routed, but the provider did not answer' ;;
  '200 '*) fs_answer 0 "routed; the provider answered ${fs_codes#200 }" ;;
  '407 '*) fs_answer 2 'the proxy refused the e-mail or the key' ;;
  *) fs_answer 3 "the proxy was not reached or refused the target (${fs_codes:-no answer})" ;;
esac
