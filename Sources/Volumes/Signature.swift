/// What libblkid finds on a device.
public struct Signature: Sendable {
  public enum Usage: String, Sendable { case filesystem, raid, crypto, other }

  /// As libblkid names it: "ext4", "LVM2_member", "crypto_LUKS", "swap".
  public var type: String
  public var usage: Usage
  public var version: String?
  /// The label as text: bytes that are not UTF-8 are replaced.
  public var label: String?
  /// The label's bytes as they are on the disk.
  public var labelBytes: [UInt8]?
  public var uuid: String?

  public init(
    type: String, usage: Usage, version: String? = nil, label: String? = nil, labelBytes: [UInt8]? = nil,
    uuid: String? = nil
  ) {
    self.type = type
    self.usage = usage
    self.version = version
    self.label = label
    self.labelBytes = labelBytes
    self.uuid = uuid
  }
}
