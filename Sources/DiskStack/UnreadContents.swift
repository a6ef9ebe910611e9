internal import Volumes

/// What can be done with something that has a name but no driver here.
enum UnreadContents {
  /// - Parameter volume: the volume's name in a mount, of whose raw bytes ("p2.raw") the hint speaks.
  static func hint(for signature: Signature, volume: String) -> String {
    let raw = volume + ".raw"
    switch signature.type {
    case "swap": return "swap space, which holds no files"
    case "swsuspend": return "the memory of a hibernated system, which holds no files"
    case "crypto_LUKS": return "encrypted: `cryptsetup open --readonly \(raw) NAME` as root unlocks it"
    case "BitLocker": return "encrypted: `cryptsetup open --readonly --type bitlk \(raw) NAME` as root unlocks it"
    case "LVM2_member", "LVM1_member":
      return "a physical volume of LVM: `losetup -r -f \(raw)`, then `vgchange -ay` as root shows its volumes"
    case "linux_raid_member":
      return "a member of a RAID: `losetup -r` each member, then `mdadm --assemble --readonly` as root"
    case "zfs_member": return "a member of a ZFS pool: `zpool import -o readonly=on -d` the folder with \(raw) as root"
    case "jbd": return "the journal of another filesystem, which holds no files"
    case "DM_verity_hash": return "hashes that verify another volume: `veritysetup` uses them"
    default: break
    }
    switch signature.usage {
    case .filesystem: return "not read yet; the kernel's driver may: `mount -o ro,loop \(raw) DIR` as root"
    case .raid: return "a part of something larger: its bytes are in \(raw)"
    case .crypto: return "encrypted: its bytes are in \(raw)"
    case .other: return "not read yet: its bytes are in \(raw)"
    }
  }
}
