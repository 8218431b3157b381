"""Everything that makes many questions about one clip cheap."""
