/// What of a tree goes into an archive, and under which names.
public struct MemberChoice: Sendable {
  let leavesOut: @Sendable ([UInt8]) -> Bool
  private let strippedParts: Int

  /// - Parameters:
  ///   - leavesOut: told a path in the image; with a folder, all that is in it is left out.
  ///   - strippedParts: how many parts in front of each name are taken away; what has no more of them is left out.
  public init(leavesOut: @escaping @Sendable ([UInt8]) -> Bool = { _ in false }, strippedParts: Int = 0) {
    self.leavesOut = leavesOut
    self.strippedParts = strippedParts
  }

  /// nil where nothing is left of the name.
  func name(_ name: [UInt8]) -> [UInt8]? {
    guard strippedParts > 0 else { return name }
    var rest = name[...]
    for _ in 0..<strippedParts {
      guard let slash = rest.firstIndex(of: UInt8(ascii: "/")) else { return nil }
      rest = rest[(slash + 1)...]
    }
    return Array(rest)
  }
}
