/// What libblkid finds on a device.
public struct Signature: Sendable {
  public enum Usage: String, Sendable { case filesystem, raid, crypto, other }

  /// As libblkid names it: "ext4", "LVM2_member", "crypto_LUKS", "swap".
  public var type: String
  public var usage: Usage
  public var version: String?
  public var label: String?
  public var uuid: String?

  public init(type: String, usage: Usage, version: String? = nil, label: String? = nil, uuid: String? = nil) {
    self.type = type
    self.usage = usage
    self.version = version
    self.label = label
    self.uuid = uuid
  }
}
