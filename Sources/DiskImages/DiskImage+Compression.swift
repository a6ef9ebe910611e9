internal import BlockDevices
internal import Bytes

extension DiskImage {
  /// Whether anything in the image itself is compressed; nil where finding out would take long, or cannot be done.
  ///
  /// Reads tables, but nothing else: up to half a million entries.
  public var hasCompressedData: Bool? {
    guard let map, summary.compression != nil else { return false }
    let sources = map.sources
    let step = (summary.clusterSize ?? 65536).multipliedReportingOverflow(by: Self.stepClusters)
    guard step.partialValue > 0, !step.overflow else { return nil }
    var extents = ExtentList(limit: 256)
    var steps = 0
    var stepsWithData = 0
    var position: UInt64 = 0
    while position < map.size {
      let end = position + min(step.partialValue, map.size - position)
      var storesData = false
      while position < end {
        extents.removeAll()
        guard (try? map.map(position..<end, into: &extents)) != nil, extents.length > 0 else { return nil }
        for extent in extents.extents {
          switch extent.kind {
          case .encoded: return true
          case .mapped(let source, _): if sources[source] !== parent?.disk { storesData = true }
          case .hole, .unwritten: break
          }
        }
        position += extents.length
      }
      steps += 1
      if storesData { stepsWithData += 1 }
      guard steps < Self.mostSteps, stepsWithData < Self.mostStepsWithData else { return nil }
    }
    return false
  }

  /// What is looked at in one go, in clusters; a first-level table passes over those that it says are empty.
  private static let stepClusters: UInt64 = 4096
  private static let mostSteps = 1 << 17
  private static let mostStepsWithData = 128
}
