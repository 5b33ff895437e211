#!/bin/sh
# Keeps one person's Flowstate proxy variables; runs as that person and never as root.
# user-step write [replace] <variables | check <variables | apply | remove
set -eu
umask 077
PATH=/usr/bin:/bin:/usr/sbin:/sbin
LC_ALL=C
export PATH LC_ALL
fs_dir=$HOME/.flowstate-proxy
fs_conf=$HOME/.config/environment.d/60-flowstate-proxy.conf

fs_mac() { [ "$(uname -s)" = Darwin ]; }

# "export NAME='value'" lines as NAME=value; no value of ours holds a quote.
fs_values() { sed -n "s/^export \([A-Za-z_]*\)='\(.*\)'\$/\1=\2/p" "$1"; }

fs_apply() {
  fs_mac || return 0
  fs_values "$1" | while IFS= read -r fs_line; do
    launchctl setenv "${fs_line%%=*}" "${fs_line#*=}"
  done
}

# Takes our values out of the desktop's environment and puts back what stood there before.
fs_unapply() {
  fs_mac || return 0
  fs_values "$1" | while IFS= read -r fs_line; do
    launchctl unsetenv "${fs_line%%=*}"
  done
  [ -f "$fs_dir/previous" ] || return 0
  while IFS= read -r fs_line; do
    launchctl setenv "${fs_line%%=*}" "${fs_line#*=}"
  done <"$fs_dir/previous"
}

# Remembers the desktop's own values of the names we set.
fs_remember() {
  : >"$fs_dir/previous"
  fs_mac || return 0
  fs_values "$1" | while IFS= read -r fs_line; do
    fs_old=$(launchctl getenv "${fs_line%%=*}" || :)
    [ -z "$fs_old" ] || printf '%s=%s\n' "${fs_line%%=*}" "$fs_old"
  done >"$fs_dir/previous"
}

fs_make_conf() {
  for fs_parent in "$HOME/.config" "$HOME/.config/environment.d"; do
    [ -d "$fs_parent" ] || { mkdir "$fs_parent" && printf '%s\n' "$fs_parent" >>"$fs_dir/made"; }
  done
  rm -f "$fs_conf"
  fs_values "$1" >"$fs_conf"
}

fs_remove_files() {
  if [ -f "$fs_dir/made" ]; then
    rm -f "$fs_conf"
    sort -r "$fs_dir/made" | while IFS= read -r fs_parent; do
      rmdir "$fs_parent" 2>/dev/null || :
    done
  fi
  rm -f "$fs_dir/env" "$fs_dir/env.new" "$fs_dir/previous" "$fs_dir/made"
  rmdir "$fs_dir"
}

fs_write() {
  mkdir -p "$fs_dir"
  cat >"$fs_dir/env.new"
  if cmp -s "$fs_dir/env.new" "$fs_dir/env"; then
    rm -f "$fs_dir/env.new"
    fs_apply "$fs_dir/env"
    return 0
  fi
  fs_told=$1
  if [ -f "$fs_dir/env" ]; then
    # What was replaced once with the admin's word stays replaced when the key rotates.
    [ ! -s "$fs_dir/previous" ] || fs_told=replace
    fs_unapply "$fs_dir/env"
  fi
  fs_remember "$fs_dir/env.new"
  if [ "$fs_told" != replace ] && grep -qi '^https\{0,1\}_proxy=' "$fs_dir/previous"; then
    fs_remove_files
    exit 4
  fi
  : >>"$fs_dir/made"
  mv -f "$fs_dir/env.new" "$fs_dir/env"
  fs_mac || fs_make_conf "$fs_dir/env"
  fs_apply "$fs_dir/env"
  exit 10
}

# Equal to the wanted variables; without a wanted key, whatever key is there.
fs_check() {
  fs_wanted=$(cat)
  [ -r "$fs_dir/env" ] || return 1
  fs_have=$(cat "$fs_dir/env")
  case $fs_wanted in
    *:@*) fs_have=$(printf '%s\n' "$fs_have" | sed 's/:fs[ksu]_[A-Za-z0-9_]*@/:@/') ;;
  esac
  [ "$fs_have" = "$fs_wanted" ]
}

case ${1:-} in
  write) fs_write "${2:-keep}" ;;
  check) fs_check ;;
  apply)
    if [ -r "$fs_dir/env" ]; then
      fs_apply "$fs_dir/env"
    elif [ -r /etc/flowstate-proxy/env ]; then
      fs_apply /etc/flowstate-proxy/env
    fi
    ;;
  remove)
    if [ -f "$fs_dir/env" ]; then
      fs_unapply "$fs_dir/env"
      fs_remove_files
    elif [ -r /etc/flowstate-proxy/env ]; then
      fs_unapply /etc/flowstate-proxy/env
    fi
    ;;
  *) exit 64 ;;
esac
