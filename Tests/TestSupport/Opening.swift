public import BlockDevices
public import FileSystems
internal import SystemPackage

/// Opens the filesystem in an image that holds nothing else.
public func openFileSystem(in image: String) throws -> any FileSystem {
  try openFileSystem(on: HostFile(opening: FilePath(image)))
}

/// Opens the filesystem on a device by the first driver that knows it.
public func openFileSystem(on device: any BlockDevice, options: OpenOptions = OpenOptions()) throws(OpenError)
  -> any FileSystem
{
  for driver in FileSystemCatalog.drivers {
    do {
      return try driver.init(reading: device, options: options)
    } catch {
      if case .notRecognized = error { continue }
      throw error
    }
  }
  throw .notRecognized
}
