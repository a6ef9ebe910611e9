internal import BlockDevices
extension StackError {
  public var text: String { "\(self)" }
  public var exitStatus: Int32 { 66 }
}
extension DiskStack {
  public func volume(matching selector: VolumeSelector) throws(StackError) -> Volume {
    for v in volumes { if case .number(v.number) = selector { return v } }
    throw .noSuchVolume(image.path, selector: "\(selector)", present: [])
  }
}
