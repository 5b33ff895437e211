fs_say() { printf 'flowstate: %s\n' "$1"; }

fs_stop() {
  printf 'flowstate: %s\n' "$2" >&2
  exit "$1"
}

# RFC 3986: everything but unreserved characters as %XX of its UTF-8 bytes.
fs_percent_encode() {
  for fs_byte in $(printf '%s' "$1" | od -An -v -tx1); do
    case $fs_byte in
      2d | 2e | 5f | 7e | 3[0-9] | 4[1-9a-f] | 5[0-9a] | 6[1-9a-f] | 7[0-9a]) printf '%b' "\\0$(printf '%03o' "0x$fs_byte")" ;;
      *) printf '%%%s' "$(printf '%s' "$fs_byte" | tr 'a-f' 'A-F')" ;;
    esac
  done
}

# By shape: an MDM would fill in a placeholder that stood here to compare with, too.
fs_valid_email() {
  case $1 in
    '' | *[[:space:]]* | *[[:cntrl:]]* | *\$\{* | '$'* | *'{{'* | *'}}'* | *%*%* | *'<'* | *'>'*) return 1 ;;
    *@*@*) return 1 ;;
    ?*@?*.?*) [ "${#1}" -le 254 ] ;;
    *) return 1 ;;
  esac
}

fs_valid_key() {
  case $1 in
    *[!A-Za-z0-9_]*) return 1 ;;
    fsk_????????_* | fss_????????_* | fsu_????????_*) [ "${#1}" -eq 63 ] ;;
    *) return 1 ;;
  esac
}

# The variables as a file that shells read; printf is built in, so no process shows the key.
fs_variables() {
  fs_url=$FS_RELAY
  [ "$FS_MODE" = loopback ] || fs_url="https://$(fs_percent_encode "$FS_EMAIL"):$FS_KEY@$FS_PROXY"
  for fs_name in HTTP_PROXY HTTPS_PROXY; do printf "export %s='%s'\n" "$fs_name" "$fs_url"; done
  printf "export NO_PROXY='%s'\n" "$FS_NO_PROXY"
  if [ "$FS_LOWER_CASE" -eq 1 ]; then
    for fs_name in http_proxy https_proxy; do printf "export %s='%s'\n" "$fs_name" "$fs_url"; done
    printf "export no_proxy='%s'\n" "$FS_NO_PROXY"
  fi
  printf "export NODE_USE_ENV_PROXY='1'\n"
  if [ -n "$FS_CA" ]; then
    for fs_name in NODE_EXTRA_CA_CERTS GIT_PROXY_SSL_CAINFO; do
      printf "export %s='%s'\n" "$fs_name" /etc/flowstate-proxy/ca.pem
    done
  fi
}

fs_folder() {
  [ "$FS_VARIANT" != detect ] || return 0
  [ -d "$FS_ROOT$1" ] || { mkdir "$FS_ROOT$1" && chmod 0755 "$FS_ROOT$1" && FS_MADE="$FS_MADE $1"; }
}

# Standard input becomes file $2 with mode $1, in one step, only when it differs.
fs_put() {
  fs_file=$FS_ROOT$2
  if [ "$FS_VARIANT" = detect ]; then
    cmp -s - "$fs_file" || FS_CHANGED=1
    return 0
  fi
  fs_new=$(mktemp "$fs_file.XXXXXX")
  cat >"$fs_new"
  if cmp -s "$fs_new" "$fs_file"; then
    rm -f "$fs_new"
    return 0
  fi
  chmod "$1" "$fs_new"
  mv -f "$fs_new" "$fs_file"
  FS_CHANGED=1
}

fs_drop() {
  [ -e "$FS_ROOT$1" ] || return 0
  rm -f "$FS_ROOT$1"
  FS_CHANGED=1
}

# A marked block in a file of the system; the first marker says what removal must put right besides.
fs_add_block() {
  fs_file=$FS_ROOT$1
  if grep -qxF "$FS_SOURCE" "$fs_file" 2>/dev/null; then return 0; fi
  FS_CHANGED=1
  [ "$FS_VARIANT" != detect ] || return 0
  fs_remove_block "$1"
  fs_note=''
  if [ ! -e "$fs_file" ]; then
    : >"$fs_file"
    chmod 0644 "$fs_file"
    fs_note=' (new file)'
  elif [ -s "$fs_file" ] && [ -n "$(tail -c 1 "$fs_file")" ]; then
    printf '\n' >>"$fs_file"
    fs_note=' (joined)'
  fi
  printf '# >>> flowstate proxy >>>%s\n%s\n# <<< flowstate proxy <<<\n' "$fs_note" "$FS_SOURCE" >>"$fs_file"
}

fs_remove_block() {
  fs_file=$FS_ROOT$1
  fs_start=$(sed -n '/^# >>> flowstate proxy >>>/p' "$fs_file" 2>/dev/null || :)
  [ -n "$fs_start" ] || return 0
  FS_CHANGED=1
  fs_last=$(tail -n 1 "$fs_file")
  fs_new=$(mktemp "$fs_file.XXXXXX")
  cp -p "$fs_file" "$fs_new"
  sed '/^# >>> flowstate proxy >>>/,/^# <<< flowstate proxy <<</d' "$fs_file" >"$fs_new"
  case $fs_start in
    *'(new file)')
      if [ ! -s "$fs_new" ]; then
        rm -f "$fs_new" "$fs_file"
        return 0
      fi
      ;;
    *'(joined)')
      if [ "$fs_last" = '# <<< flowstate proxy <<<' ]; then
        fs_rest=$(cat "$fs_new")
        printf '%s' "$fs_rest" >"$fs_new"
      fi
      ;;
  esac
  # Written through, so that a link, the owner and the mode stay as they are.
  cat "$fs_new" >"$fs_file"
  rm -f "$fs_new"
}

# Who sits at the device: FS_USER (empty when nobody does).
fs_find_person() {
  if [ "$FS_OS" = Darwin ]; then
    FS_USER=$(printf 'show State:/Users/ConsoleUser\n' | scutil | sed -n 's/^ *Name : //p' | head -n 1)
  else
    FS_USER=${SUDO_USER:-}
    [ -n "$FS_USER" ] || FS_USER=$(loginctl --no-legend list-sessions 2>/dev/null | awk '$2 >= 1000 && $2 < 60000 { print $3; exit }')
  fi
  case $FS_USER in root | loginwindow | _mbsetupuser) FS_USER='' ;; esac
}

fs_home_of() {
  if [ "$FS_OS" = Darwin ]; then
    dscl . -read "/Users/$1" NFSHomeDirectory 2>/dev/null | sed -n 's/^NFSHomeDirectory: //p'
  else
    getent passwd "$1" | cut -d : -f 6
  fi
}

# Runs the user step as person $1: files in a home are never written by root, who would follow planted links.
fs_as_person() {
  fs_name=$1
  shift
  fs_home=$(fs_home_of "$fs_name")
  set -- env HOME="$fs_home" /bin/sh "$FS_ROOT/etc/flowstate-proxy/user-step" "$@"
  if [ "$FS_OS" = Darwin ]; then
    launchctl asuser "$(id -u "$fs_name")" sudo -u "$fs_name" "$@"
  else
    runuser -u "$fs_name" -- "$@"
  fi
}

# A proxy that others configured for shells or for the whole system: prints the file that says so.
fs_foreign() {
  for fs_file in environment profile bashrc bash.bashrc zshenv zprofile zshrc zsh/zshenv zsh/zprofile; do
    if grep -qiE '^[^#]*(https?|all)_proxy=' "$FS_ROOT/etc/$fs_file" 2>/dev/null; then printf '%s\n' "/etc/$fs_file"; fi
  done
  for fs_file in profile.d environment.d; do
    [ ! -d "$FS_ROOT/etc/$fs_file" ] || grep -rliE '^[^#]*(https?|all)_proxy=' "$FS_ROOT/etc/$fs_file" | grep -v flowstate-proxy || :
  done
}

fs_zshenv() {
  if [ -d "$FS_ROOT/etc/zsh" ]; then printf '/etc/zsh/zshenv\n'; else printf '/etc/zshenv\n'; fi
}

fs_system_files() {
  fs_folder /etc/flowstate-proxy
  fs_put 0755 /etc/flowstate-proxy/user-step <<'FS_USER_STEP'
@@USER_STEP@@
FS_USER_STEP
  if [ -n "$FS_CA" ]; then printf '%s\n' "$FS_CA" | fs_put 0644 /etc/flowstate-proxy/ca.pem; fi
  if [ "$FS_SCOPE" = machine ]; then fs_variables | fs_put 0644 /etc/flowstate-proxy/env; fi
  fs_add_block "$(fs_zshenv)"
  if [ "$FS_OS" = Darwin ]; then
    fs_add_block /etc/profile
    fs_folder /Library/LaunchAgents
    fs_put 0644 /Library/LaunchAgents/inc.flowstate.proxy-env.plist <<'FS_PLIST'
@@LAUNCH_AGENT@@
FS_PLIST
  else
    fs_folder /etc/profile.d
    printf '%s\n' "$FS_SOURCE" | fs_put 0644 /etc/profile.d/flowstate-proxy.sh
    if [ "$FS_SCOPE" = machine ]; then
      fs_folder /etc/environment.d
      fs_variables | sed "s/^export //; s/'//g" | fs_put 0644 /etc/environment.d/60-flowstate-proxy.conf
    fi
  fi
  if [ -n "$FS_MADE" ]; then
    for fs_made in $FS_MADE; do printf '%s\n' "$fs_made"; done >>"$FS_ROOT/etc/flowstate-proxy/made"
  fi
}

fs_install() {
  if [ "$FS_MODE" = direct ]; then
    fs_valid_email "$FS_EMAIL" || fs_stop 2 "the e-mail is empty or the MDM did not fill it in; @@EMAIL_REMEDY@@"
    fs_valid_key "$FS_KEY" || fs_stop 3 "the key is empty or the MDM did not fill in @@SECRET_NAME@@; @@SECRET_REMEDY@@"
  fi
  if [ "$FS_REPLACE" -eq 0 ]; then
    fs_found=$(fs_foreign | head -n 1)
    [ -z "$fs_found" ] || fs_stop 4 "another proxy is configured in $fs_found; nothing was changed (render with --replace to override it)"
  fi
  fs_system_files
  if [ "$FS_SCOPE" = user ]; then
    grep -qxF "$FS_USER" "$FS_ROOT/etc/flowstate-proxy/people" 2>/dev/null || printf '%s\n' "$FS_USER" >>"$FS_ROOT/etc/flowstate-proxy/people"
    fs_told=keep
    [ "$FS_REPLACE" -eq 0 ] || fs_told=replace
    fs_code=0
    fs_variables | fs_as_person "$FS_USER" write "$fs_told" || fs_code=$?
    case $fs_code in
      0) ;;
      10) FS_CHANGED=1 ;;
      4)
        # Others on this device keep theirs.
        [ "$(wc -l <"$FS_ROOT/etc/flowstate-proxy/people")" -gt 1 ] || fs_uninstall
        fs_stop 4 'another proxy is set for desktop programs; nothing was changed (render with --replace to override it)'
        ;;
      *) fs_stop 5 "the variables could not be written for the signed-in person (exit $fs_code)" ;;
    esac
  fi
  if [ "$FS_OS" = Darwin ]; then
    fs_uid=$(id -u "$FS_USER")
    launchctl bootout "gui/$fs_uid/inc.flowstate.proxy-env" 2>/dev/null || :
    launchctl bootstrap "gui/$fs_uid" "$FS_ROOT/Library/LaunchAgents/inc.flowstate.proxy-env.plist" || :
  fi
  if [ "$FS_CHANGED" -eq 1 ]; then fs_say 'installed; programs that are open see it after a restart'; else fs_say 'nothing to change'; fi
}

fs_detect() {
  if [ "$FS_MODE" = direct ]; then
    fs_valid_email "$FS_EMAIL" || fs_answer 2 'no usable e-mail from the MDM'
    fs_valid_key "$FS_KEY" || FS_KEY=''
  fi
  fs_system_files
  if [ "$FS_CHANGED" -eq 0 ] && [ "$FS_SCOPE" = user ]; then
    fs_variables | fs_as_person "$FS_USER" check || FS_CHANGED=1
  fi
  [ "$FS_CHANGED" -eq 0 ] || fs_answer 1 'differs from what is wanted'
  fs_answer 0 'compliant'
}

fs_uninstall() {
  if [ -x "$FS_ROOT/etc/flowstate-proxy/user-step" ]; then
    if [ -f "$FS_ROOT/etc/flowstate-proxy/people" ]; then
      while IFS= read -r fs_person; do
        # An account that was deleted since has nothing left to clean.
        [ -d "$(fs_home_of "$fs_person")" ] || continue
        fs_as_person "$fs_person" remove </dev/null || fs_stop 5 'a person could not be cleaned up; run this again'
      done <"$FS_ROOT/etc/flowstate-proxy/people"
    elif [ -n "$FS_USER" ]; then
      fs_as_person "$FS_USER" remove
    fi
  fi
  if [ "$FS_OS" = Darwin ] && [ -n "$FS_USER" ]; then
    launchctl bootout "gui/$(id -u "$FS_USER")/inc.flowstate.proxy-env" 2>/dev/null || :
  fi
  fs_drop /Library/LaunchAgents/inc.flowstate.proxy-env.plist
  fs_drop /etc/profile.d/flowstate-proxy.sh
  fs_drop /etc/environment.d/60-flowstate-proxy.conf
  for fs_hook in /etc/zshenv /etc/zsh/zshenv /etc/profile; do fs_remove_block "$fs_hook"; done
  fs_made=''
  [ ! -f "$FS_ROOT/etc/flowstate-proxy/made" ] || fs_made=$(sort -r "$FS_ROOT/etc/flowstate-proxy/made")
  for fs_name in user-step ca.pem env people made; do fs_drop "/etc/flowstate-proxy/$fs_name"; done
  for fs_folder in $fs_made; do rmdir "$FS_ROOT$fs_folder" 2>/dev/null || :; done
}

[ "$(id -u)" -eq 0 ] || fs_stop 5 'run this as root'
FS_OS=$(uname -s)
case $FS_OS in Darwin | Linux) ;; *) fs_stop 5 "this payload is for macOS and Linux, not $FS_OS" ;; esac
fs_find_person
case $FS_VARIANT in
  uninstall)
    fs_uninstall
    fs_say 'removed'
    ;;
  *)
    if [ -z "$FS_USER" ] && { [ "$FS_SCOPE" = user ] || [ "$FS_OS" = Darwin ]; }; then
      fs_say 'nobody is signed in; run this again at the next check-in'
      exit 0
    fi
    if [ "$FS_MODE" = direct ]; then
      fs_find_email "$@"
      fs_find_key "$@"
    fi
    if [ "$FS_VARIANT" = detect ]; then fs_detect; else fs_install; fi
    ;;
esac
