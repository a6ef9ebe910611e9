# bash completion for vitrine(1)                                    -*- shell-script -*-

# Offers those of the words $3… that begin with $1; $2 is what stands before $1 in the same word.
# Bash takes `=` and `:` for ends of words, so what it has of the word already must not be offered again.
_vitrine_offer() {
  local current=$1 before=$2 word typed
  shift 2
  typed=$before$current
  local known=${typed%"${typed##*[=:]}"}
  COMPREPLY=()
  for word; do
    [[ $word == "$current"* ]] || continue
    word=$before$word
    COMPREPLY+=("${word#"$known"}")
  done
  # Nothing follows a word that asks for more: "LABEL=", "uid=".
  [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace 2>/dev/null
}

_vitrine_files() {
  compopt -o filenames 2>/dev/null
  mapfile -t COMPREPLY < <(compgen "$2" -- "$1")
}

_vitrine_mount_points() {
  local point
  compopt -o filenames 2>/dev/null
  COMPREPLY=()
  while read -r point; do
    point=$(printf '%b' "$point")
    [[ $point == "$1"* ]] && COMPREPLY+=("$point")
  done < <(awk '$3 == "fuse.vitrine" { print $2 }' /proc/self/mounts)
}

_vitrine() {
  local line=${COMP_LINE:0:COMP_POINT}
  # As a person sees the word: not ended by `=` and `:`.
  local current=${line##*[[:space:]]}
  local -a words
  read -ra words <<<"${line%"$current"}"

  local command='' previous='' word count=0 takes_value=''
  for word in "${words[@]:1}"; do
    if [[ -n $takes_value ]]; then
      takes_value=''
    elif [[ $word == -* ]]; then
      case $word in
        -o | -p | --partition | --reply | --view | --color | --offset | --sector-size | --sizelimit) takes_value=$word ;;
        --format | --snapshot | --backing-file) takes_value=$word ;;
      esac
    elif [[ -z $command && $count -eq 0 && $word =~ ^(mount|umount|inspect|help)$ ]]; then
      command=$word
    else
      count=$((count + 1))
    fi
  done
  previous=$takes_value
  # What `=` separates from its option.
  if [[ $current == --*=* ]]; then
    previous=${current%%=*}
    local option_part=$previous=
  else
    local option_part=
  fi
  local value=${current#"$option_part"}

  local formats=(raw qcow2 qcow qed vmdk vhd vhdx vdi)
  case $previous in
    -o)
      local last=${value##*,}
      case $last in
        backing_file=*)
          # What bash has of the word already ends with the `=`.
          _vitrine_files "${last#*=}" -f
          ;;
        cache=*) _vitrine_offer "$last" "${value%"$last"}" cache=kernel cache=never ;;
        format=*) _vitrine_offer "${last#*=}" "${value%"$last"}format=" "${formats[@]}" ;;
        reply=*) _vitrine_offer "$last" "${value%"$last"}" reply=splice reply=copy ;;
        view=*) _vitrine_offer "$last" "${value%"$last"}" view=filesystem view=disk ;;
        *)
          _vitrine_offer "$last" "${value%"$last"}" allow_external_files allow_other allow_root backing_file= cache= \
            decode_cache= decode_threads= default_permissions dev direct_io dmask= exec fmask= format= fsname= gid= noatime nodev noexec nonempty \
            nosuid offset= partition= reply= ro sector_size= sizelimit= snapshot= subtype= suid timeout= uid= umask= view=
          compopt -o nospace 2>/dev/null
          ;;
      esac
      return
      ;;
    -p | --partition) _vitrine_offer "$value" "$option_part" LABEL= UUID= PARTLABEL= PARTUUID=; return ;;
    --reply) _vitrine_offer "$value" "$option_part" splice copy; return ;;
    --view) _vitrine_offer "$value" "$option_part" filesystem disk; return ;;
    --color) _vitrine_offer "$value" "$option_part" auto always never; return ;;
    --format) _vitrine_offer "$value" "$option_part" "${formats[@]}"; return ;;
    --backing-file) _vitrine_files "$value" -f; return ;;
    --snapshot | --offset | --sector-size | --sizelimit) COMPREPLY=(); return ;;
  esac

  local options='--help --version' image_options=' --format --snapshot --backing-file --allow-external-files'
  case $command in
    '' | mount) options+=' --partition --view --foreground --reply --stats --read-only --verbose -o'$image_options ;;
    umount) options+=' --lazy' ;;
    inspect) options+=' --json --color --partition --offset --sector-size --sizelimit --bytes'$image_options ;;
  esac
  if [[ $current == -* ]]; then
    # shellcheck disable=SC2086 # the list is split on purpose
    _vitrine_offer "$current" '' $options
    return
  fi

  case $command in
    help) [[ $count -eq 0 ]] && _vitrine_offer "$current" '' mount umount inspect ;;
    umount) [[ $count -eq 0 ]] && _vitrine_mount_points "$current" ;;
    inspect) [[ $count -eq 0 ]] && _vitrine_files "$current" -f ;;
    *)
      case $count in
        0)
          _vitrine_files "$current" -f
          if [[ -z $command ]]; then
            mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -W 'mount umount inspect help' -- "$current")
          fi
          ;;
        1) _vitrine_files "$current" -d ;;
      esac
      ;;
  esac
}

complete -F _vitrine vitrine
