"""Where files lie: a folder, S3 or Cloudinary. Each is loaded only where the settings name it."""
