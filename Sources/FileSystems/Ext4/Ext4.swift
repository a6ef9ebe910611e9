/// Stands in for the driver.
final class Ext4 {}
