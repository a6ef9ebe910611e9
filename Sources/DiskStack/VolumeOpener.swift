internal import BlockDevices
internal import Bytes
internal import FileSystems
internal import Volumes

/// Makes volumes of what a disk's layout names, and opens what is in them.
struct VolumeOpener {
  let disk: any BlockDevice
  let options: OpenOptions

  /// A volume before it is opened.
  private struct Draft {
    var number: Int
    var device: any BlockDevice
    var start: UInt64
    var partition: Partition?
    var identification: Identification?
    var notices: [String] = []
  }

  func volumes(of layout: DiskLayout) -> [Volume] {
    var drafts: [Draft] = []
    let hasTable = layout.table != nil
    if !hasTable || layout.contents.signature?.usage == .filesystem {
      drafts.append(Draft(number: 0, device: disk, start: 0, identification: layout.contents))
    }
    for partition in layout.table?.partitions ?? [] {
      guard let slice = Slice(of: disk, start: partition.start, size: partition.size) else { continue }
      var draft = Draft(number: partition.number, device: slice, start: partition.start, partition: partition)
      draft.notices = missing(of: slice)
      if !partition.isContainer && slice.availableSize > 0 { draft.identification = Identification(of: slice) }
      drafts.append(draft)
    }

    // The budget for caches is one for all: whatever the number of volumes, memory is bounded.
    let readable = drafts.count { $0.identification?.candidates.contains { driver(for: $0) != nil } ?? false }
    var share = options
    share.metadataBudget = options.metadataBudget / max(1, readable)
    return drafts.map { open($0, options: share) }
  }

  private func missing(of slice: Slice) -> [String] {
    let missing = slice.size - slice.availableSize
    if missing == 0 { return [] }
    if slice.availableSize == 0 { return ["lies wholly past the end of the image"] }
    return ["ends \(missing) bytes past the end of the image: what lies there cannot be read"]
  }

  private func driver(for signature: Signature) -> (any FileSystem.Type)? {
    FileSystemCatalog.driver(for: signature.type)
  }

  private func open(_ draft: Draft, options: OpenOptions) -> Volume {
    var volume = Volume(
      number: draft.number, name: draft.number == 0 ? "disk" : "p\(draft.number)", device: draft.device,
      start: draft.start, partition: draft.partition, signature: draft.identification?.signature, contents: .unknown,
      notices: draft.notices)
    if draft.partition?.isContainer == true {
      volume.contents = .container
    } else if let identification = draft.identification {
      if let signature = identification.signature {
        volume.contents = contents(signature, of: volume, options: options)
      } else if identification.candidates.isEmpty {
        volume.contents = tryDrivers(on: volume.device, options: options)
      } else {
        decide(among: identification, for: &volume, options: options)
      }
    }
    return volume
  }

  private func contents(_ signature: Signature, of volume: Volume, options: OpenOptions) -> Volume.Contents {
    guard let driver = driver(for: signature) else {
      return .unsupported(hint: UnreadContents.hint(for: signature, volume: volume.name))
    }
    do {
      return .fileSystem(try driver.init(reading: volume.device, options: options))
    } catch {
      return .unreadable(error)
    }
  }

  /// libblkid knows nothing there: a driver may know more, where only the first of several superblocks is lost.
  private func tryDrivers(on device: any BlockDevice, options: OpenOptions) -> Volume.Contents {
    var refusal: OpenError?
    for driver in FileSystemCatalog.drivers {
      do {
        return .fileSystem(try driver.init(reading: device, options: options))
      } catch {
        if case .notRecognized = error { continue }
        refusal = refusal ?? error
      }
    }
    return refusal.map(Volume.Contents.unreadable) ?? .unknown
  }

  /// Several signatures: the one filesystem that can be opened is taken, and that is said. More than one, or none: it
  /// stays open what the volume holds.
  private func decide(among identification: Identification, for volume: inout Volume, options: OpenOptions) {
    let said = "has the signatures of more than one thing (\(identification.typeList))"
    var opened: [(Signature, any FileSystem)] = []
    for candidate in identification.candidates {
      guard let driver = driver(for: candidate),
        let fileSystem = try? driver.init(reading: volume.device, options: options)
      else { continue }
      opened.append((candidate, fileSystem))
    }
    if opened.count == 1 {
      volume.signature = opened[0].0
      volume.contents = .fileSystem(opened[0].1)
      volume.notices.append(said + ": shown as \(opened[0].0.type)")
    } else {
      volume.notices.append(said + ": which of them it is cannot be told")
    }
  }
}
