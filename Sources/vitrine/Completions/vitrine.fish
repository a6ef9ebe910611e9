# fish completion for vitrine(1)

# The command that is being typed; without one it is a mount.
function __vitrine_command
    set -l words (commandline -opc)
    if contains -- "$words[2]" mount umount inspect help
        echo $words[2]
    else
        echo mount
    end
end

function __vitrine_is
    test (__vitrine_command) = $argv[1]
end

# Whether the arguments before the one being typed, but for options and their values, are so many.
function __vitrine_has
    set -l words (commandline -opc)
    set -e words[1]
    contains -- "$words[1]" mount umount inspect help; and set -e words[1]
    set -l count 0
    set -l skip no
    for word in $words
        if test $skip = yes
            set skip no
        else if contains -- $word -o -p --partition --reply --view --color --offset --sector-size --sizelimit \
                --format --snapshot --backing-file
            set skip yes
        else if not string match -q -- '-*' $word
            set count (math $count + 1)
        end
    end
    test $count -eq $argv[1]
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
        "$before"backing_file=\t'Stands in for the one that the image names' \
        "$before"cache=kernel\t'Keep file contents in the page cache' \
        "$before"cache=never\t'Ask the server for each read' \
        "$before"decode_cache=\t'How much that was decoded is kept' \
        "$before"decode_threads=\t'How many threads decode ahead' \
        "$before"default_permissions\t'Enforce owners and permissions' \
        "$before"dev\t'Device nodes work' \
        "$before"direct_io\t'The same as cache=never' \
        "$before"dmask=\t'Permission bits taken away from directories' \
        "$before"exec\t'Programs can be run' \
        "$before"fmask=\t'Permission bits taken away from files' \
        "$before"format={raw,qcow2,qcow,qed,vmdk,vhd,vhdx,vdi}\t'What the image is read as' \
        "$before"fsname=\t'The source that is shown' \
        "$before"gid=\t'The group of every file' \
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
        "$before"timeout=\t'How long the kernel keeps names and attributes' \
        "$before"uid=\t'The owner of every file' \
        "$before"umask=\t'Permission bits taken away from everything' \
        "$before"view=filesystem\t'The files of one filesystem' \
        "$before"view=disk\t'Volumes and raw devices'
end

set -l first 'test (count (commandline -opc)) -eq 1'
set -l selectors 'LABEL= UUID= PARTLABEL= PARTUUID='

complete -c vitrine -f
complete -c vitrine -n $first -a mount -d 'Show the files at a mount point'
complete -c vitrine -n $first -a umount -d 'Take a mount away'
complete -c vitrine -n $first -a inspect -d 'Tell what is in an image'
complete -c vitrine -n $first -a help -d 'Print the options of a command'
complete -c vitrine -n '__vitrine_is help; and __vitrine_has 0' -a 'mount umount inspect'
complete -c vitrine -s h -l help -d 'Print the options'
complete -c vitrine -l version -d 'Print the version'

complete -c vitrine -n '__vitrine_is mount; and __vitrine_has 0' -F
complete -c vitrine -n '__vitrine_is mount; and __vitrine_has 1' -a '(__fish_complete_directories)'
complete -c vitrine -n '__vitrine_is mount' -s o -x -a '(__vitrine_mount_options)' -d 'Mount options'
complete -c vitrine -n '__vitrine_is mount' -s p -l partition -x -a $selectors -d 'The volume to show'
complete -c vitrine -n '__vitrine_is mount' -l view -x -a 'filesystem disk' -d 'What is shown'
complete -c vitrine -n '__vitrine_is mount' -s f -l foreground -d 'Stay in the foreground'
complete -c vitrine -n '__vitrine_is mount' -l reply -x -a 'splice copy' -d 'How bytes get to the kernel'
complete -c vitrine -n '__vitrine_is mount' -l stats -d 'Print counters when unmounted'
complete -c vitrine -n '__vitrine_is mount' -s r -l read-only -d 'Read-only, as every mount is'
complete -c vitrine -n '__vitrine_is mount' -s v -l verbose -d 'Say more of what is done'

for command in mount inspect
    complete -c vitrine -n "__vitrine_is $command" -l format -x -a 'raw qcow2 qcow qed vmdk vhd vhdx vdi' \
        -d 'What the image is read as'
    complete -c vitrine -n "__vitrine_is $command" -l snapshot -x -d 'The snapshot to show'
    complete -c vitrine -n "__vitrine_is $command" -l backing-file -r -F -d 'Stands in for the one that the image names'
    complete -c vitrine -n "__vitrine_is $command" -l allow-external-files \
        -d 'Open what the image names outside of its folder'
end

complete -c vitrine -n '__vitrine_is umount; and __vitrine_has 0' -a '(__vitrine_mount_points)'
complete -c vitrine -n '__vitrine_is umount' -s l -l lazy -d 'Even where files are in use'

complete -c vitrine -n '__vitrine_is inspect; and __vitrine_has 0' -F
complete -c vitrine -n '__vitrine_is inspect' -l json -d 'Print JSON'
complete -c vitrine -n '__vitrine_is inspect' -l color -x -a 'auto always never' -d 'Colour the text'
complete -c vitrine -n '__vitrine_is inspect' -s p -l partition -x -a $selectors -d 'Only this volume'
complete -c vitrine -n '__vitrine_is inspect' -l offset -x -d 'Where the disk starts in the image'
complete -c vitrine -n '__vitrine_is inspect' -l sector-size -x -a '512 4096' -d 'Bytes of a sector'
complete -c vitrine -n '__vitrine_is inspect' -l sizelimit -x -d 'Bytes of the disk'
complete -c vitrine -n '__vitrine_is inspect' -s b -l bytes -d 'Print sizes in bytes'
