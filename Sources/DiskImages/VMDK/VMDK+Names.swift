extension VMDK {
  /// What a file that a descriptor calls `name` may be called here, the likeliest first.
  ///
  /// A name is relative to the descriptor's folder. Absolute ones are those of the host that wrote them, most often
  /// another one, from which the disk was brought here with what belongs to it: beside the image is looked too.
  static func candidates(for name: String) -> [String] {
    var names: [String]
    if name.contains("\\") {
      let parts = name.split(separator: "\\", omittingEmptySubsequences: true)
      let isAbsolute = name.hasPrefix("\\") || parts.first?.hasSuffix(":") == true
      let last = parts.last.map(String.init) ?? name
      names = isAbsolute ? [last] : [parts.joined(separator: "/"), last]
    } else if name.hasPrefix("/") {
      names = [name, name.split(separator: "/").last.map(String.init) ?? name]
    } else {
      names = [name]
    }
    // A colon is part of a name; elsewhere it would end that of a protocol.
    return names.map { $0.hasPrefix("/") || !$0.contains(":") ? $0 : "./" + $0 }
  }

  /// Whether Windows calls a device so: `\\.\PhysicalDrive0`.
  static func isWindowsDevice(_ name: String) -> Bool { name.hasPrefix("\\\\.\\") || name.hasPrefix("\\\\?\\") }

  /// What the descriptor is likely to be called which the extent `name` belongs to.
  static func descriptorName(ofExtent name: String) -> String {
    let suffix = ".vmdk"
    guard name.lowercased().hasSuffix(suffix) else { return "its descriptor" }
    let stem = name.dropLast(suffix.count)
    guard let dash = stem.lastIndex(of: "-") else { return "its descriptor" }
    let kind = stem[stem.index(after: dash)...].lowercased()
    let isPart = kind.count >= 4 && kind.first == "s" && kind.dropFirst().allSatisfy(\.isNumber)
    guard isPart || ["delta", "sesparse"].contains(kind) else { return "its descriptor" }
    return "\(stem[..<dash])\(suffix)"
  }
}
