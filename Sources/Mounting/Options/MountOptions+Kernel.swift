extension MountOptions {
  /// The list for libfuse, which hands on to the kernel what is the kernel's.
  func mountList(sourceName: String) -> String {
    var list = ["ro", "max_read=\(ReadContext.largestRead)"]
    list.append("fsname=\(Self.escape(self.sourceName ?? sourceName))")
    list.append("subtype=\(Self.escape(subtype ?? "vitrine"))")
    list.append(allowsDevices ? "dev" : "nodev")
    list.append(allowsSetUserID ? "suid" : "nosuid")
    if !allowsExecution { list.append("noexec") }
    if allowsOthers { list.append("allow_other") }
    if allowsRoot { list.append("allow_root") }
    if checksPermissions { list.append("default_permissions") }
    list += kernelOptions
    return list.joined(separator: ",")
  }

  private static func escape(_ text: String) -> String {
    text.reduce(into: "") { result, character in
      if character == "," || character == "\\" { result.append("\\") }
      result.append(character)
    }
  }
}
