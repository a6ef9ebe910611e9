public import BlockDevices

/// A disk as a host file holds it.
///
/// The catalog of formats: each one that is read is told apart here by its content, and gives the device that its maps
/// compose to. What has no format of its own is raw: the file's bytes are the disk's.
public struct DiskImage: Sendable {
  /// As qemu-img names it.
  public let format: String
  /// The disk's bytes.
  public let disk: any BlockDevice

  public init(in file: HostFile) {
    format = "raw"
    disk = file
  }
}
