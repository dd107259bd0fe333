# SPDX-License-Identifier: MIT
"""Search a PACS and read its instances: by DICOMweb, and by the DICOM network protocol."""
