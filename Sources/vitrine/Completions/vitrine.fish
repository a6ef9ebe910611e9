# fish completion for vitrine(1)

set -g __vitrine_commands mount umount mounts run inspect ls tree stat find cat extents df du cp tar manifest diff

# The command that is being typed; without one it is a mount.
function __vitrine_command
    set -l words (commandline -opc)
    if contains -- "$words[2]" $__vitrine_commands help
        echo $words[2]
    else
        echo mount
    end
end

function __vitrine_is
    test (__vitrine_command) = $argv[1]
end

# Whether -p stands for --partition; for ls and cp it means something else.
function __vitrine_takes_selector
    contains -- (__vitrine_command) mount run inspect
end

# The arguments before the one being typed, but for options and their values.
function __vitrine_operands
    set -l words (commandline -opc)
    set -e words[1]
    contains -- "$words[1]" $__vitrine_commands help; and set -e words[1]
    set -l skip no
    for word in $words
        if test $skip = yes
            set skip no
        else if contains -- $word -o --partition --reply --view --color --offset --sector-size --sizelimit \
                --format --snapshot --backing-file --device --block-size --threshold --type --exclude-type --exclude --time-style \
                --level --sort --time --width --strip-components --target-directory --format-string --printf --max-depth \
                --pid-file --ready-fd
            set skip yes
        else if test "$word" = -p; and __vitrine_takes_selector
            set skip yes
        else if contains -- $word -P -I -L; and __vitrine_is tree
            set skip yes
        else if contains -- $word -I -w --ignore; and __vitrine_is ls
            set skip yes
        else if test "$word" = -t; and __vitrine_is cp
            set skip yes
        else if contains -- $word -C -f --directory --file; and __vitrine_is tar
            set skip yes
        else if contains -- $word -B -t -x; and __vitrine_is df
            set skip yes
        else if contains -- $word -B -t -d; and __vitrine_is du
            set skip yes
        else if test "$word" = -c; and __vitrine_is stat
            set skip yes
        else if not string match -q -- '-*' $word
            printf '%s\n' $word
        end
    end
end

# Whether there are so many of them.
function __vitrine_has
    set -l operands (__vitrine_operands)
    test (count $operands) -eq $argv[1]
end

# The first argument.
function __vitrine_image
    set -l operands (__vitrine_operands)
    test (count $operands) -gt 0; and printf '%s\n' $operands[1]
end

# The options that say how the image is read.
function __vitrine_reading
    set -l words (commandline -opc)
    set -l takes no
    for word in $words[2..]
        if test $takes = yes
            echo $word
            set takes no
        else if contains -- $word -o --partition --offset --sector-size --sizelimit --format --snapshot --backing-file --device
            echo $word
            set takes yes
        else if string match -qr -- '^--(partition|offset|sector-size|sizelimit|format|snapshot|backing-file|device)=' $word
            echo $word
        end
    end
end

# Paths inside the image.
function __vitrine_inside
    set -l folder (string match -r -- '^.*/' (commandline -ct))
    set -l program (commandline -opc)[1]
    $program ls -1Ap --color never (__vitrine_reading) -- (__vitrine_image) /(string replace -r '^/' '' -- "$folder") 2>/dev/null |
        while read -l name
            echo "$folder$name"
        end
end

# An image, a colon and a path inside it. The image's name may have colons, too.
function __vitrine_references
    set -l parts (string split : -- (string unescape -- (commandline -ct)))
    for count in (seq (math (count $parts) - 1))
        set -l image (string join : -- $parts[1..$count])
        set -l file (string replace -r '^~' "$HOME" -- $image)
        test -f "$file"; or test -b "$file"; or continue
        set -l folder (string match -r -- '^.*/' (string join : -- $parts[(math $count + 1)..]))
        set -l program (commandline -opc)[1]
        $program ls -1Ap --color never (__vitrine_reading) -- $file /(string replace -r '^/' '' -- "$folder") 2>/dev/null |
            while read -l name
                echo "$image:$folder$name"
            end
        return
    end
end

# Volumes of the image, as --partition takes them.
function __vitrine_selectors
    set -l image (__vitrine_image)
    if test -n "$image"
        set -l program (commandline -opc)[1]
        $program ls -1 --view disk -- $image 2>/dev/null | string replace -rf '^p([0-9]+)\.raw$' '$1'
    end
    printf '%s\n' LABEL= UUID= PARTLABEL= PARTUUID=
end

function __vitrine_mount_points
    awk '$3 == "fuse.vitrine" { print $2 }' /proc/self/mounts | string unescape
end

# Options stand in a list with commas: what is before the last comma stays.
function __vitrine_mount_options
    set -l before (string match -r -- '^.*,' (commandline -ct))
    printf '%s\n' "$before"allow_external_files\t'Open what the image names outside of its folder' \
        "$before"allow_other\t'Let other users see the files' \
        "$before"allow_root\t'Let root see the files' \
        "$before"attr_timeout=\t'How long the kernel keeps names and attributes' \
        "$before"backing_file=\t'Stands in for the one that the image names' \
        "$before"cache=kernel\t'Keep file contents in the page cache' \
        "$before"cache=never\t'Ask the server for each read' \
        "$before"device=\t'A further device of the filesystem' \
        "$before"decode_cache=\t'How much that was decoded is kept' \
        "$before"decode_threads=\t'How many threads decode ahead' \
        "$before"default_permissions\t'Enforce owners and permissions' \
        "$before"dev\t'Device nodes work' \
        "$before"direct_io\t'The same as cache=never' \
        "$before"dmask=\t'Permission bits taken away from directories' \
        "$before"entry_timeout=\t'How long the kernel keeps names and attributes' \
        "$before"exec\t'Programs can be run' \
        "$before"fmask=\t'Permission bits taken away from files' \
        "$before"format={raw,qcow2,qcow,qed,vmdk,vhd,vhdx,vdi}\t'What the image is read as' \
        "$before"fsname=\t'The source that is shown' \
        "$before"gid=\t'The group of every file' \
        "$before"negative_timeout=\t'How long the kernel keeps names and attributes' \
        "$before"noatime\t'Accepted, without effect' \
        "$before"nodev\t'Device nodes do not work' \
        "$before"noexec\t'Programs cannot be run' \
        "$before"nonempty\t'Mount over a directory that is not empty' \
        "$before"nosuid\t'Set-user-ID bits do not count' \
        "$before"offset=\t'Where the disk starts in the image' \
        "$before"partition=\t'The volume to show' \
        "$before"reply=splice\t'Hand over references to pages' \
        "$before"reply=copy\t'Read bytes into memory first' \
        "$before"ro\t'Read-only, as every mount is' \
        "$before"sector_size=\t'Bytes of a logical sector' \
        "$before"sizelimit=\t'Bytes of the disk' \
        "$before"snapshot=\t'The snapshot to show' \
        "$before"subtype=\t'The type that is shown' \
        "$before"suid\t'Set-user-ID bits count' \
        "$before"timeout=\t'Unmount when idle for so long' \
        "$before"uid=\t'The owner of every file' \
        "$before"umask=\t'Permission bits taken away from everything' \
        "$before"view=filesystem\t'The files of one filesystem' \
        "$before"view=disk\t'Volumes and raw devices'
end

set -l first 'test (count (commandline -opc)) -eq 1'
set -l selectors '(__vitrine_selectors)'

complete -c vitrine -f
complete -c vitrine -n $first -a mount -d 'Show the files at a mount point'
complete -c vitrine -n $first -a umount -d 'Take a mount away'
complete -c vitrine -n $first -a mounts -d 'List what is mounted'
complete -c vitrine -n $first -a run -d 'Run a command while an image is mounted'
complete -c vitrine -n $first -a inspect -d 'Tell what is in an image'
complete -c vitrine -n $first -a ls -d 'List folders of an image'
complete -c vitrine -n $first -a tree -d 'Draw folders as a tree'
complete -c vitrine -n $first -a stat -d 'Show what is known of files'
complete -c vitrine -n $first -a find -d 'Find files'
complete -c vitrine -n $first -a cat -d 'Write files to standard output'
complete -c vitrine -n $first -a extents -d 'Show where a file\'s bytes lie'
complete -c vitrine -n $first -a df -d 'Show how full filesystems are'
complete -c vitrine -n $first -a du -d 'Sum up what files take'
complete -c vitrine -n $first -a cp -d 'Copy files and folders out of an image'
complete -c vitrine -n $first -a tar -d 'Write an archive'
complete -c vitrine -n $first -a manifest -d 'List everything with digests'
complete -c vitrine -n $first -a diff -d 'Tell what differs'
complete -c vitrine -n $first -a help -d 'Print the options of a command'
complete -c vitrine -n '__vitrine_is help; and __vitrine_has 0' -a "$__vitrine_commands"
complete -c vitrine -l help -d 'Print the options'
complete -c vitrine -n 'not __vitrine_is ls; and not __vitrine_is df; and not __vitrine_is du' -s h -d 'Print the options'
complete -c vitrine -l version -d 'Print the version'

complete -c vitrine -n '__vitrine_is mount; and __vitrine_has 0' -F
complete -c vitrine -n '__vitrine_is mount; and __vitrine_has 1' -a '(__fish_complete_directories)'
complete -c vitrine -n '__vitrine_is mount' -s f -l foreground -d 'Stay in the foreground'
complete -c vitrine -n '__vitrine_is mount' -l mkdir -d 'Make the mount point'
complete -c vitrine -n '__vitrine_is mount' -l pid-file -r -F -d 'Holds the process number of the server'
complete -c vitrine -n '__vitrine_is mount' -l ready-fd -x -d 'Is told when the mount answers'
complete -c vitrine -n '__vitrine_is mount' -l stats -d 'Print counters when unmounted'
complete -c vitrine -n '__vitrine_is mount' -s r -l read-only -d 'Read-only, as every mount is'
complete -c vitrine -n '__vitrine_is mount' -s v -l verbose -d 'Say more of what is done'

complete -c vitrine -n '__vitrine_is run; and __vitrine_has 0' -F
complete -c vitrine -n '__vitrine_is run; and not __vitrine_has 0' -x -a '(__fish_complete_subcommand --fcs-skip=3)'
complete -c vitrine -n '__vitrine_is run' -l chdir -d 'Start the command in the mount'
complete -c vitrine -n '__vitrine_is run' -l private -d 'Insist on a mount that nobody else sees'

for command in mount run
    complete -c vitrine -n "__vitrine_is $command" -s o -x -a '(__vitrine_mount_options)' -d 'Mount options'
    complete -c vitrine -n "__vitrine_is $command" -s p -l partition -x -a $selectors -d 'The volume to show'
    complete -c vitrine -n "__vitrine_is $command" -l view -x -a 'filesystem disk' -d 'What is shown'
    complete -c vitrine -n "__vitrine_is $command" -l reply -x -a 'splice copy' -d 'How bytes get to the kernel'
end

for command in mount run inspect ls tree stat find cat extents df du cp tar manifest diff
    complete -c vitrine -n "__vitrine_is $command" -l format -x -a 'raw qcow2 qcow qed vmdk vhd vhdx vdi' \
        -d 'What the image is read as'
    complete -c vitrine -n "__vitrine_is $command" -l snapshot -x -d 'The snapshot to show'
    complete -c vitrine -n "__vitrine_is $command" -l backing-file -r -F -d 'Stands in for the one that the image names'
    complete -c vitrine -n "__vitrine_is $command" -l device -r -F -d 'A further device of the filesystem'
    complete -c vitrine -n "__vitrine_is $command" -l allow-external-files \
        -d 'Open what the image names outside of its folder'
end

complete -c vitrine -n '__vitrine_is umount' -a '(__vitrine_mount_points)'
complete -c vitrine -n '__vitrine_is umount' -s l -l lazy -d 'Even where files are in use'
complete -c vitrine -n '__vitrine_is umount' -s q -l quiet -d 'Say less'

complete -c vitrine -n '__vitrine_is mounts' -l json -d 'Print JSON'
complete -c vitrine -n '__vitrine_is mounts' -s n -l no-headings -d 'Leave out the headings'

complete -c vitrine -n '__vitrine_is inspect; and __vitrine_has 0' -F
complete -c vitrine -n '__vitrine_is inspect' -l json -d 'Print JSON'
complete -c vitrine -n '__vitrine_is inspect' -l color -x -a 'auto always never' -d 'Colour the text'
complete -c vitrine -n '__vitrine_is inspect' -s p -l partition -x -a $selectors -d 'Only this volume'
complete -c vitrine -n '__vitrine_is inspect' -l offset -x -d 'Where the disk starts in the image'
complete -c vitrine -n '__vitrine_is inspect' -l sector-size -x -a '512 4096' -d 'Bytes of a sector'
complete -c vitrine -n '__vitrine_is inspect' -l sizelimit -x -d 'Bytes of the disk'
complete -c vitrine -n '__vitrine_is inspect' -s b -l bytes -d 'Print sizes in bytes'

for command in ls tree stat find cat extents df du cp tar manifest diff
    if contains $command cp diff
        complete -c vitrine -n "__vitrine_is $command" -F -a '(__vitrine_references)'
    else
        complete -c vitrine -n "__vitrine_is $command; and __vitrine_has 0" -F
        complete -c vitrine -n "__vitrine_is $command; and not __vitrine_has 0" -a '(__vitrine_inside)'
    end
    complete -c vitrine -n "__vitrine_is $command" -s o -x -a '(__vitrine_mount_options)' -d 'Options of a mount'
    complete -c vitrine -n "__vitrine_is $command" -l partition -x -a $selectors -d 'Where paths start'
    complete -c vitrine -n "__vitrine_is $command" -l view -x -a 'filesystem disk' -d 'Where paths start'
    complete -c vitrine -n "__vitrine_is $command" -l offset -x -d 'Where the disk starts in the image'
    complete -c vitrine -n "__vitrine_is $command" -l sizelimit -x -d 'Bytes of the disk'
    complete -c vitrine -n "__vitrine_is $command" -l sector-size -x -a '512 4096' -d 'Bytes of a sector'
end
complete -c vitrine -n '__vitrine_is find; and __vitrine_has 0' -s H -d 'Follow links that are named'
complete -c vitrine -n '__vitrine_is find; and __vitrine_has 0' -s L -d 'Follow all symbolic links'
complete -c vitrine -n '__vitrine_is find; and __vitrine_has 0' -s P -d 'Follow no symbolic links'
for part in name iname path ipath regex iregex regextype lname ilname type xtype size empty newer anewer cnewer newermt \
        mtime atime ctime mmin amin cmin used daystart follow perm readable writable executable uid gid user group nouser nogroup links \
        inum samefile fstype true false maxdepth mindepth depth print print0 printf ls prune quit not and or
    complete -c vitrine -n '__vitrine_is find; and not __vitrine_has 0' -o $part -d 'Part of an expression'
end
for command in ls tree
    complete -c vitrine -n "__vitrine_is $command" -l color -x -a 'auto always never' -d 'Colour names'
end
for command in ls tree stat extents df du manifest diff
    complete -c vitrine -n "__vitrine_is $command" -l json -d 'Print JSON'
end
complete -c vitrine -n '__vitrine_is cp' -s a -l archive -d 'Keep everything'
complete -c vitrine -n '__vitrine_is cp' -s d -d 'Copy symbolic links themselves, and keep hard links'
complete -c vitrine -n '__vitrine_is cp' -s f -l force -d 'Accepted, without effect'
complete -c vitrine -n '__vitrine_is cp' -s H -d 'Follow links that are named'
complete -c vitrine -n '__vitrine_is cp' -s L -l dereference -d 'Follow all symbolic links'
complete -c vitrine -n '__vitrine_is cp' -s P -l no-dereference -d 'Copy symbolic links themselves'
complete -c vitrine -n '__vitrine_is cp' -s t -l target-directory -x -a '(__fish_complete_directories)' -d 'Copy into this folder'
complete -c vitrine -n '__vitrine_is cp' -s u -l update -d 'Leave alone what is there and no older'
complete -c vitrine -n '__vitrine_is cp' -s n -l no-clobber -d 'Leave alone what is there'
complete -c vitrine -n '__vitrine_is cp' -s p -l preserve -d 'Keep modes, times, owners and attributes'
complete -c vitrine -n '__vitrine_is cp' -s q -l quiet -d 'Do not show how far the copy is'
complete -c vitrine -n '__vitrine_is cp' -s r -s R -l recursive -d 'Folders with all that is in them'
complete -c vitrine -n '__vitrine_is cp' -s T -l no-target-directory -d 'The destination is the copy\'s own name'
complete -c vitrine -n '__vitrine_is cp' -s v -l verbose -d 'Say what is copied'
complete -c vitrine -n '__vitrine_is tar' -s c -l create -d 'Accepted, without effect'
complete -c vitrine -n '__vitrine_is tar' -s f -l file -r -F -d 'Write to this file'
complete -c vitrine -n '__vitrine_is tar' -s C -l directory -x -a '(__vitrine_inside)' -d 'Paths start in this folder'
complete -c vitrine -n '__vitrine_is tar' -l exclude -x -d 'Leave these out'
complete -c vitrine -n '__vitrine_is tar' -l strip-components -x -d 'Leave out so many parts of names'
complete -c vitrine -n '__vitrine_is tar' -s v -l verbose -d 'Say what is written'
complete -c vitrine -n '__vitrine_is manifest' -l hash -x -a 'sha256 sha384 sha512 none' -d 'The digest'
complete -c vitrine -n '__vitrine_is diff' -l ignore -x -a 'content mode owner xattrs' -d 'Leave these out'
complete -c vitrine -n '__vitrine_is diff' -s q -l brief -d 'Print nothing'
complete -c vitrine -n '__vitrine_is diff' -s r -l recursive -d 'Accepted, without effect'
complete -c vitrine -n '__vitrine_is diff' -s t -l times -d 'Times count, too'
complete -c vitrine -n '__vitrine_is ls' -s l -d 'Long'
complete -c vitrine -n '__vitrine_is ls' -s n -d 'Long'
complete -c vitrine -n '__vitrine_is ls' -s R -l recursive -d 'Folders in folders, too'
complete -c vitrine -n '__vitrine_is ls' -s a -l all -d 'Also names that begin with a dot'
complete -c vitrine -n '__vitrine_is ls' -s A -l almost-all -d 'The same, but for . and ..'
complete -c vitrine -n '__vitrine_is ls' -s d -l directory -d 'Folders themselves'
complete -c vitrine -n '__vitrine_is ls' -s h -l human-readable -d 'Sizes as 1.5K, 20M, 3G'
complete -c vitrine -n '__vitrine_is ls' -s i -l inode -d 'Inode numbers'
complete -c vitrine -n '__vitrine_is ls' -s 1 -d 'One entry a line'
complete -c vitrine -n '__vitrine_is ls' -s C -d 'In columns'
complete -c vitrine -n '__vitrine_is ls' -s x -d 'In columns, line by line'
complete -c vitrine -n '__vitrine_is ls' -s w -l width -x -d 'Columns of the output'
complete -c vitrine -n '__vitrine_is ls' -s B -l ignore-backups -d 'No names that end with a tilde'
complete -c vitrine -n '__vitrine_is ls' -s I -l ignore -x -d 'Leave these out'
complete -c vitrine -n '__vitrine_is ls' -s L -l dereference -d 'What links lead to'
complete -c vitrine -n '__vitrine_is ls' -s H -l dereference-command-line -d 'What links lead to that are named'
complete -c vitrine -n '__vitrine_is ls' -s N -l literal -d 'Names are not quoted'
complete -c vitrine -n '__vitrine_is ls' -s v -d 'Numbers in names count'
complete -c vitrine -n '__vitrine_is ls' -s X -d 'By what is behind the last dot'
complete -c vitrine -n '__vitrine_is ls' -l sort -x -a 'none name size time version extension' -d 'What comes first'
complete -c vitrine -n '__vitrine_is ls' -l time -x -a 'atime ctime mtime' -d 'Which time'
complete -c vitrine -n '__vitrine_is ls' -l group-directories-first -d 'Folders first'
complete -c vitrine -n '__vitrine_is ls' -s p -d 'A slash behind folders'
complete -c vitrine -n '__vitrine_is ls' -s t -d 'The latest first'
complete -c vitrine -n '__vitrine_is ls' -s S -d 'The largest first'
complete -c vitrine -n '__vitrine_is ls' -s U -d 'Unsorted'
complete -c vitrine -n '__vitrine_is ls' -s r -l reverse -d 'The other way round'
complete -c vitrine -n '__vitrine_is ls' -l full-time -d 'The whole time'
complete -c vitrine -n '__vitrine_is tree' -s a -l all -d 'Also names that begin with a dot'
complete -c vitrine -n '__vitrine_is tree' -s d -d 'Only folders'
complete -c vitrine -n '__vitrine_is tree' -s L -l level -x -d 'Not deeper than this'
complete -c vitrine -n '__vitrine_is stat' -s L -l dereference -d 'Of what a link leads to'
complete -c vitrine -n '__vitrine_is stat' -s c -l format-string -x -d 'Print this, and a newline'
complete -c vitrine -n '__vitrine_is stat' -l printf -x -d 'Print this'
complete -c vitrine -n '__vitrine_is df' -s h -l human-readable -d 'Sizes as 1.5K, 20M, 3G'
complete -c vitrine -n '__vitrine_is df' -s i -l inodes -d 'Inodes, and not blocks'
complete -c vitrine -n '__vitrine_is df' -s T -l print-type -d 'The type, too'
complete -c vitrine -n '__vitrine_is df' -s k -d 'Blocks of 1024 bytes'
complete -c vitrine -n '__vitrine_is du' -s s -l summarize -d 'Only the sum of each path'
complete -c vitrine -n '__vitrine_is du' -s a -l all -d 'Each file, too'
complete -c vitrine -n '__vitrine_is du' -s c -l total -d 'The sum of all'
complete -c vitrine -n '__vitrine_is du' -s h -l human-readable -d 'Sizes as 1.5K, 20M, 3G'
complete -c vitrine -n '__vitrine_is du' -s k -d 'In units of 1024 bytes'
complete -c vitrine -n '__vitrine_is du' -s m -d 'In units of 1048576 bytes'
complete -c vitrine -n '__vitrine_is du' -l apparent-size -d 'How long files are'
complete -c vitrine -n '__vitrine_is du' -s b -l bytes -d 'How long files are, in bytes'
complete -c vitrine -n '__vitrine_is du' -s 0 -l null -d 'End lines with a NUL'
complete -c vitrine -n '__vitrine_is du' -s d -l max-depth -x -d 'Only so many levels'
complete -c vitrine -n '__vitrine_is ls' -s F -l classify -d 'A mark behind names'
complete -c vitrine -n '__vitrine_is ls' -l file-type -d 'The same, but for programs'
complete -c vitrine -n '__vitrine_is ls' -s f -d 'Unsorted, with -a'
complete -c vitrine -n '__vitrine_is ls' -s G -l no-group -d 'Without the group'
complete -c vitrine -n '__vitrine_is ls' -s g -d 'Long, without the owner'
complete -c vitrine -n '__vitrine_is ls' -s s -l size -d 'What each takes'
complete -c vitrine -n '__vitrine_is ls' -l si -d 'Sizes in powers of 1000'
complete -c vitrine -n '__vitrine_is ls' -l time-style -x -a 'full-iso long-iso iso locale +' -d 'How times are told'
complete -c vitrine -n '__vitrine_is ls' -s u -d 'Times of access'
complete -c vitrine -n '__vitrine_is ls' -s c -d 'Times of change'
complete -c vitrine -n '__vitrine_is tree' -s f -d 'Whole paths'
complete -c vitrine -n '__vitrine_is tree' -s I -x -d 'Leave these out'
complete -c vitrine -n '__vitrine_is tree' -s i -d 'No lines in front'
complete -c vitrine -n '__vitrine_is tree' -l noreport -d 'Do not count'
complete -c vitrine -n '__vitrine_is tree' -s P -x -d 'Only these files'
complete -c vitrine -n '__vitrine_is stat' -s t -l terse -d 'All in one line'
complete -c vitrine -n '__vitrine_is df' -s B -l block-size -x -d 'In blocks of this size'
complete -c vitrine -n '__vitrine_is df' -s H -l si -d 'Sizes in powers of 1000'
complete -c vitrine -n '__vitrine_is df' -s P -l portability -d 'Headings of POSIX'
complete -c vitrine -n '__vitrine_is df' -l output -d 'Only these columns'
complete -c vitrine -n '__vitrine_is df' -l total -d 'The sum of all'
complete -c vitrine -n '__vitrine_is df' -s t -l type -x -d 'Only of this type'
complete -c vitrine -n '__vitrine_is df' -s x -l exclude-type -x -d 'None of this type'
complete -c vitrine -n '__vitrine_is du' -s B -l block-size -x -d 'In units of this size'
complete -c vitrine -n '__vitrine_is du' -l exclude -x -d 'Leave these out'
complete -c vitrine -n '__vitrine_is du' -l inodes -d 'Count files'
complete -c vitrine -n '__vitrine_is du' -s l -l count-links -d 'Each name counts'
complete -c vitrine -n '__vitrine_is du' -s S -l separate-dirs -d 'Folders without those in them'
complete -c vitrine -n '__vitrine_is du' -l si -d 'Sizes in powers of 1000'
complete -c vitrine -n '__vitrine_is du' -s t -l threshold -x -d 'Only what takes so much'
complete -c vitrine -n '__vitrine_is du' -s x -l one-file-system -d 'Stay in a volume'
