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

# Runs the program itself on the image of the line, with the options that say how it is read.
_vitrine_ask() {
  local program=${words[0]/#\~/$HOME}
  "$program" "$@" 2>/dev/null
}

# Paths inside the image: $1 is what there is of one; the image is $2, and what follows are options.
_vitrine_inside() {
  local current=$1 image=${2/#\~/$HOME} folder='' name
  shift 2
  [[ $current == */* ]] && folder=${current%/*}/
  compopt -o filenames -o nospace 2>/dev/null
  COMPREPLY=()
  while IFS= read -r name; do
    [[ $folder$name == "$current"* ]] && COMPREPLY+=("$folder$name")
  done < <(_vitrine_ask ls -1Ap --color never "$@" -- "$image" "/${folder#/}")
}

# Volumes of the image $2, as --partition takes them.
_vitrine_selectors() {
  local current=$1 before=$2 image=${3/#\~/$HOME} numbers=()
  if [[ -n $image ]]; then
    mapfile -t numbers < <(_vitrine_ask ls -1 --view disk -- "$image" | sed -n 's/^p\([0-9]*\)\.raw$/\1/p')
  fi
  _vitrine_offer "$current" "$before" "${numbers[@]}" LABEL= UUID= PARTLABEL= PARTUUID=
}

# Splits the line $1 into the words that the shell would make of it, into `words`; what stands at its end, without a
# blank behind it, is `current`. Of that, `known` is what is not completed: bash begins a word behind `=` and `:`, but
# where they are quoted.
_vitrine_split() {
  local line=$1 word='' quote='' has_word='' character index
  words=()
  known=''
  for ((index = 0; index < ${#line}; index++)); do
    character=${line:index:1}
    if [[ -n $quote ]]; then
      if [[ $character == "$quote" ]]; then
        quote=''
      elif [[ $quote == '"' && $character == \\ ]]; then
        index=$((index + 1))
        word+=${line:index:1}
      else
        word+=$character
      fi
      continue
    fi
    [[ $character != [[:blank:]] ]] && has_word=yes
    case $character in
      [[:blank:]])
        [[ -n $has_word ]] && words+=("$word")
        word='' has_word='' known=''
        ;;
      [=:])
        word+=$character
        known=$word
        ;;
      [\'\"]) quote=$character ;;
      \\)
        index=$((index + 1))
        word+=${line:index:1}
        ;;
      *) word+=$character ;;
    esac
  done
  current=$word
}

# Of $1, an image, a colon and a path in it, the image into `image_part` and the path into `path_part`; fails where no
# image is there. Its name may have colons, too.
_vitrine_reference() {
  local rest=$1 before=''
  while [[ $rest == *:* ]]; do
    before+=${rest%%:*}
    rest=${rest#*:}
    image_part=$before path_part=$rest
    [[ -f ${before/#\~/$HOME} || -b ${before/#\~/$HOME} ]] && return 0
    before+=:
  done
  return 1
}

# A command of others, behind `vitrine run IMAGE`: its first word is $1.
_vitrine_command() {
  if [[ $1 == */* ]]; then
    _vitrine_files "$1" -f
  else
    mapfile -t COMPREPLY < <(compgen -c -- "$1")
  fi
}

_vitrine() {
  # As a person sees the words: not ended by `=` and `:`, and without what quotes them.
  local current known
  local -a words
  _vitrine_split "${COMP_LINE:0:COMP_POINT}"

  local commands='mount umount mounts run inspect ls tree stat find cat extents df du cp tar manifest diff'
  local command='' previous='' word count=0 takes_value='' image=''
  # Options of the image that stand on the line.
  local -a reading=()
  for word in "${words[@]:1}"; do
    if [[ -n $takes_value ]]; then
      [[ $takes_value =~ ^-(o|-partition|-offset|-sector-size|-sizelimit|-format|-snapshot|-backing-file|-device)$ ]] &&
        reading+=("$takes_value" "$word")
      takes_value=''
    elif [[ $word == -* ]]; then
      case $word in
        -p) [[ $command == @(|mount|run|inspect) ]] && takes_value=$word ;;
        -o | --partition | --reply | --view | --color | --offset | --sector-size | --sizelimit) takes_value=$word ;;
        --format | --snapshot | --backing-file | --device | --pid-file | --ready-fd) takes_value=$word ;;
        --level | --format-string | --printf | --max-depth | --file | --hash | --ignore) takes_value=$word ;;
        -f | -C | --directory) [[ $command == tar ]] && takes_value=$word ;;
        -L | -P) [[ $command == tree ]] && takes_value=$word ;;
        -I) [[ $command == @(tree|ls) ]] && takes_value=$word ;;
        -w) [[ $command == ls ]] && takes_value=$word ;;
        -B) [[ $command == @(df|du) ]] && takes_value=$word ;;
        -t) [[ $command == @(df|du|cp) ]] && takes_value=$word ;;
        --sort | --time | --width | --strip-components | --target-directory) takes_value=$word ;;
        -x) [[ $command == df ]] && takes_value=$word ;;
        --block-size | --threshold | --type | --exclude-type | --exclude | --time-style) takes_value=$word ;;
        -c) [[ $command == stat ]] && takes_value=$word ;;
        -d) [[ $command == du ]] && takes_value=$word ;;
        --partition=* | --offset=* | --sector-size=* | --sizelimit=* | --format=* | --snapshot=* | --backing-file=* | \
          --device=* | --allow-external-files) reading+=("$word") ;;
      esac
    elif [[ -z $command && $count -eq 0 && " $commands help " == *" $word "* ]]; then
      command=$word
    else
      [[ $count -eq 0 ]] && image=$word
      count=$((count + 1))
    fi
  done
  # The options of a command that is run are not known here.
  if [[ $command == run && $count -ge 2 ]]; then
    _vitrine_files "$current" -f
    return
  fi
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
        backing_file=* | device=*)
          # What bash has of the word already ends with the `=`.
          _vitrine_files "${last#*=}" -f
          ;;
        cache=*) _vitrine_offer "$last" "${value%"$last"}" cache=kernel cache=never ;;
        format=*) _vitrine_offer "${last#*=}" "${value%"$last"}format=" "${formats[@]}" ;;
        reply=*) _vitrine_offer "$last" "${value%"$last"}" reply=splice reply=copy ;;
        view=*) _vitrine_offer "$last" "${value%"$last"}" view=filesystem view=disk ;;
        *)
          _vitrine_offer "$last" "${value%"$last"}" allow_external_files allow_other allow_root attr_timeout= \
            backing_file= cache= decode_cache= decode_threads= default_permissions dev device= direct_io dmask= \
            entry_timeout= exec fmask= format= fsname= gid= negative_timeout= noatime nodev noexec nonempty nosuid \
            offset= partition= reply= ro sector_size= sizelimit= snapshot= subtype= suid timeout= uid= umask= view=
          compopt -o nospace 2>/dev/null
          ;;
      esac
      return
      ;;
    -p | --partition) _vitrine_selectors "$value" "$option_part" "$image"; return ;;
    --reply) _vitrine_offer "$value" "$option_part" splice copy; return ;;
    --view) _vitrine_offer "$value" "$option_part" filesystem disk; return ;;
    --color) _vitrine_offer "$value" "$option_part" auto always never; return ;;
    --format) _vitrine_offer "$value" "$option_part" "${formats[@]}"; return ;;
    --hash) _vitrine_offer "$value" "$option_part" sha256 sha384 sha512 none; return ;;
    -C | --directory) _vitrine_inside "$value" "$image" "${reading[@]}"; return ;;
    --target-directory) _vitrine_files "$value" -d; return ;;
    -t) if [[ $command == cp ]]; then _vitrine_files "$value" -d; else COMPREPLY=(); fi; return ;;
    --sort) _vitrine_offer "$value" "$option_part" none name size time version extension; return ;;
    --time) _vitrine_offer "$value" "$option_part" atime ctime mtime; return ;;
    --width | --strip-components | -w) COMPREPLY=(); return ;;
    --ignore) [[ $command == diff ]] && _vitrine_offer "${value##*,}" "$option_part${value%"${value##*,}"}" content mode owner xattrs; return ;;
    --backing-file | --device | --pid-file | --file | -f) _vitrine_files "$value" -f; return ;;
    --level | --format-string | --printf | --max-depth | -L | -P | -I | -c | -d) COMPREPLY=(); return ;;
    --time-style) _vitrine_offer "$value" "$option_part" full-iso long-iso iso locale +; return ;;
    --type | --exclude-type | -x) _vitrine_offer "$value" "$option_part" ext2 ext3 ext4 squashfs erofs; return ;;
    --block-size | --threshold | --exclude | -B) COMPREPLY=(); return ;;
    --snapshot | --ready-fd | --offset | --sector-size | --sizelimit) COMPREPLY=(); return ;;
  esac

  local options='--help --version' image_options=' --format --snapshot --backing-file --device --allow-external-files'
  local browse_options="$image_options --partition --view --offset --sizelimit --sector-size -o"
  case $command in
    '' | mount)
      options+=' --partition --view --foreground --mkdir --pid-file --ready-fd --reply --stats --read-only --verbose -o'
      options+=$image_options
      ;;
    run) options+=' --partition --view --reply --chdir --private -o'$image_options ;;
    umount) options+=' --lazy --quiet' ;;
    mounts) options+=' --json --no-headings' ;;
    inspect) options+=' --json --color --partition --offset --sector-size --sizelimit --bytes'$image_options ;;
    ls) options+=" $browse_options -l -n -R -a -A -d -h -i -1 -C -p -t -S -U -r --recursive --all --almost-all --directory \
      --human-readable --inode --reverse --full-time --json --color -F -f -G -g -s -u -c --classify --file-type \
      --no-group --si --size --time-style -B -H -I -L -N -v -w -x -X --dereference --dereference-command-line \
      --group-directories-first --ignore --ignore-backups --literal --sort --time --width" ;;
    tree) options+=" $browse_options -a -d -f -i -I -L -P --all --level --json --color --noreport" ;;
    stat) options+=" $browse_options -c -L -t --format-string --printf --dereference --terse --json" ;;
    find) options+=" $browse_options -H -L -P" ;;
    cat) options+=" $browse_options" ;;
    extents) options+=" $browse_options --json" ;;
    cp) options+=" $browse_options -a -d -f -H -L -n -p -P -q -r -R -t -T -u -v --archive --dereference --force --no-dereference \
      --no-clobber --preserve --quiet --recursive --target-directory --no-target-directory --update --verbose" ;;
    tar) options+=" $browse_options -c -C -f -v --create --directory --exclude --file --strip-components --verbose" ;;
    manifest) options+=" $browse_options --hash --json" ;;
    diff) options+=" $browse_options -q -r -t --ignore --brief --recursive --times --json" ;;
    df) options+=" $browse_options -B -h -H -i -k -P -t -T -x --block-size --human-readable --inodes --portability --print-type \
      --output --si --total --type --exclude-type --json" ;;
    du) options+=" $browse_options -s -a -c -d -h -k -m -b -0 --summarize --all --total --max-depth --human-readable \
      --apparent-size --bytes --null --json -B -l -S -t -x --block-size --count-links --exclude --inodes --one-file-system \
      --separate-dirs --si --threshold" ;;
  esac
  if [[ $command == find && $count -gt 0 && $current == -* ]]; then
    _vitrine_offer "$current" '' -name -iname -path -ipath -regex -iregex -regextype -lname -ilname -type -xtype -size \
      -empty -newer -anewer -cnewer -newermt -mtime -atime -ctime -mmin -amin -cmin -used -daystart -follow -perm -readable -writable \
      -executable -uid -gid -user -group -nouser -nogroup -links -inum -samefile -fstype -true -false -maxdepth -mindepth -depth -print -print0 -printf -ls -prune -quit -not -and -or
    return
  fi
  if [[ $current == -* ]]; then
    # shellcheck disable=SC2086 # the list is split on purpose
    _vitrine_offer "$current" '' $options
    return
  fi

  case $command in
    help)
      # shellcheck disable=SC2086 # the list is split on purpose
      [[ $count -eq 0 ]] && _vitrine_offer "$current" '' $commands
      ;;
    umount) _vitrine_mount_points "$current" ;;
    mounts) ;;
    run) if [[ $count -eq 0 ]]; then _vitrine_files "$current" -f; else _vitrine_command "$current"; fi ;;
    inspect) [[ $count -eq 0 ]] && _vitrine_files "$current" -f ;;
    cp | diff)
      # A path inside an image stands behind a colon, with which bash begins a new word.
      local image_part path_part
      if _vitrine_reference "$current"; then
        _vitrine_inside "$path_part" "$image_part" "${reading[@]}"
        local index
        for index in "${!COMPREPLY[@]}"; do
          word=$image_part:${COMPREPLY[index]}
          COMPREPLY[index]=${word#"$known"}
        done
      else
        _vitrine_files "$current" -f
      fi
      ;;
    ls | tree | stat | find | cat | extents | df | du | tar | manifest)
      if [[ $count -eq 0 ]]; then
        _vitrine_files "$current" -f
      else
        _vitrine_inside "$current" "$image" "${reading[@]}"
      fi
      ;;
    *)
      case $count in
        0)
          _vitrine_files "$current" -f
          if [[ -z $command ]]; then
            mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -W "$commands help" -- "$current")
          fi
          ;;
        1) _vitrine_files "$current" -d ;;
      esac
      ;;
  esac
}

complete -F _vitrine vitrine
