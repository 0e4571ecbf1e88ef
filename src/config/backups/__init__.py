"""Backups of the database and the media, and the way back: base backups and the write-ahead log, to any second.

PostgreSQL's own tools do the work (``pg_basebackup``, ``pg_receivewal``, ``pg_verifybackup``, recovery targets); here
stands what they leave open: where copies go (a folder or an S3 bucket), how they are sealed (age), how long they are
kept, and that nothing counts as restored before its books agree. In a store:

``base/<system>/<time>``  ``.tar.gz`` as PostgreSQL made it, and ``.json``, its manifest, written last
``wal/<system>/``         segments, the youngest also half full (``.partial``), and the histories of time lines
``media/files/``          files by the SHA-256 of what is in them
``media/index/<time>``    which file had which SHA-256 then
``erasures/<system>/``    an account's id and when it was erased: in what is brought back they are erased again
``keys/<time>``           the data folder's own keys, only where copies are sealed

``<system>`` is the identifier that PostgreSQL gave the cluster. What is sealed bears ``.age`` at the end of its name;
manifests, which hold sums and no data, are not.
"""
