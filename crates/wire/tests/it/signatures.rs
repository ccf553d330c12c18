//! Signatures of published vectors, of botocore, and of our own.
