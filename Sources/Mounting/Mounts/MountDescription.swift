public import Browsing
/// What a server tells of its mount that the mount table does not hold.
public struct MountDescription: Sendable, Equatable {
  /// The path of the image, as it was opened.
  public var image: String
  /// The volume that was chosen, and the snapshot, as they were named.
  public var partition: String?
  public var snapshot: String?
  public var view: MountOptions.View

  init(image: String, partition: String?, snapshot: String?, view: MountOptions.View) {
    self.image = image
    self.partition = partition
    self.snapshot = snapshot
    self.view = view
  }

  /// `name=value`, each ended by a NUL, and one more NUL at the end.
  var bytes: [UInt8] {
    var fields = ["image=\(image)", "view=\(view.rawValue)"]
    if let partition { fields.append("partition=\(partition)") }
    if let snapshot { fields.append("snapshot=\(snapshot)") }
    return fields.flatMap { $0.utf8.filter { $0 != 0 } + [0] } + [0]
  }

  /// nil for what is not whole, or not of this form; fields that are not known are passed over.
  init?(bytes: [UInt8]) {
    guard bytes.count > 1, bytes.suffix(2).allSatisfy({ $0 == 0 }) else { return nil }
    var fields: [Substring: String] = [:]
    for field in bytes.split(separator: 0) {
      let text = String(decoding: field, as: UTF8.self)
      guard let separator = text.firstIndex(of: "=") else { return nil }
      fields[text[..<separator]] = String(text[text.index(after: separator)...])
    }
    guard let image = fields["image"] else { return nil }
    self.init(
      image: image, partition: fields["partition"], snapshot: fields["snapshot"],
      view: fields["view"].flatMap(MountOptions.View.init) ?? .filesystem)
  }
}
