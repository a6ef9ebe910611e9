public import BlockDevices
public import Browsing
public import DiskImages
public import DiskStack

/// What a person asks of a mount, gathered from `-o` lists and from options of their own.
public struct MountOptions: Sendable {
  public typealias View = Tree.View

  /// Where file contents are kept in memory.
  public enum Cache: String, Sendable, CaseIterable {
    /// In the kernel's page cache.
    case kernel
    /// Nowhere: every read comes to the server (`direct_io`).
    case never
  }

  /// How the contents of files get to the kernel.
  public enum Reply: String, Sendable, CaseIterable {
    /// By reference, where that pays.
    case splice
    /// Always through memory of this program.
    case copy
  }

  /// How the image is to be read.
  public var image = ImageOptions()
  /// nil to choose by what the image holds.
  public var view: View?
  /// The one volume to show; nil for all, or for the only one.
  public var volume: VolumeSelector?
  /// `volume` as it was written.
  var volumeText: String?
  /// Bytes of the image in front of the disk, and bytes of the disk (nil for all).
  public var offset: UInt64 = 0
  public var sizeLimit: UInt64?
  /// Bytes of a logical sector of the disk; nil to find out.
  public var sectorSize: Int?

  /// Stand in for the image's own, in every node.
  public var owner: UInt32?
  public var group: UInt32?
  /// Permission bits taken away from folders and from everything else.
  public var directoryMask: UInt16 = 0
  public var fileMask: UInt16 = 0

  var allowsOthers = false
  var allowsRoot = false
  /// The kernel checks the modes, as on any other filesystem.
  var checksPermissions = false
  var allowsDevices = false
  var allowsSetUserID = false
  var allowsExecution = true
  /// What the kernel is told besides (noatime, sync …): accepted, and without effect on something read-only.
  var kernelOptions: [String] = []
  /// What mount(8) shows as the source, and behind "fuse." in the type; nil for the image's path, and "vitrine".
  public var sourceName: String?
  var subtype: String?
  public var allowsNonEmpty = false

  public var cache = Cache.kernel
  public var reply = Reply.splice
  /// Seconds for which the kernel may keep names and attributes; nil for as long as it likes.
  public var timeout: Double?
  /// Seconds without any use after which the mount goes; nil for never.
  public var idleTimeout: Double?

  /// Bytes of decoded contents that are kept, and threads that decode ahead; nil for what is usual.
  var decodeCache: Int?
  var decodeThreads: Int?

  public init() {}

  /// A cache of decoded contents as the options have it.
  public var units: UnitCache { UnitCache(budget: decodeCache ?? UnitCache.defaultBudget, threads: decodeThreads) }
}

/// What is wrong with an option.
public struct OptionError: Error, Sendable, Equatable {
  public let text: String
  init(_ text: String) { self.text = text }
}
