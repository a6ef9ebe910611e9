/// The formats of disk images that are read, by the names that qemu-img has for them.
public enum ImageFormat: String, Sendable, CaseIterable {
  case raw, qcow2, qcow, qed, vmdk, vpc, vhdx, vdi

  /// By qemu-img's name, or by the one that people use (`vhd`); nil for others.
  public init?(named name: String) {
    switch name.lowercased() {
    case "vhd": self = .vpc
    case let name: self.init(rawValue: name)
    }
  }

  /// A name that `init(named:)` takes for each of them, as people write it.
  public static var names: [String] { allCases.map { $0 == .vpc ? "vhd" : $0.rawValue } }

  /// As people write it.
  public var title: String {
    switch self {
    case .raw, .qcow2, .qcow: rawValue
    case .vpc: "VHD"
    case .qed, .vmdk, .vhdx, .vdi: rawValue.uppercased()
    }
  }
}
