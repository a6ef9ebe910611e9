internal import Volumes

/// What can be done with something that has a name but no driver here.
enum UnreadContents {
  /// - Parameter volume: the volume's name in a mount, of whose raw bytes ("p2.raw") the hint speaks.
  static func hint(for signature: Signature, volume: String) -> String {
    let raw = volume + ".raw"
    switch signature.type {
    case "swap", "swsuspend", "linux_raid_member", "LVM2_member", "LVM1_member", "crypto_LUKS", "BitLocker", "DM_verity_hash",
      "isw_raid_member", "ddf_raid_member", "drbd", "bcache", "ceph_bluestore", "zfs_member", "jbd", "DM_integrity":
      break
    default:
      return signature.usage == .filesystem
        ? "not read by vitrine yet: `mount -o ro,loop \(raw) DIR` as root reads it with the kernel's driver"
        : "not read by vitrine yet: its bytes are in \(raw)"
    }
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
    default: return "a part of something larger: its bytes are in \(raw)"
    }
  }
}
