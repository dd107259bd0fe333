# SPDX-License-Identifier: MIT
"""Read the body parts that an instance shows, from Body Part Examined and from Anatomic Region Sequence."""

from __future__ import annotations

from plainfilm.dicom.values import Values

# Terms of Body Part Examined with the codes of the same regions (PS3.16 Annex L): SNOMED CT, and the codes of the same
# concepts in the older scheme SRT. Some older codes were replaced by later editions and are still in files.
_TERMS = """
ABDOMEN 818981001 113345001 T-D4000
ABDOMENPELVIS 818982008
ANKLE 70258002 T-15750
BREAST 76752008 T-04000
CALCANEUS 80144004 T-12770
CHEST 816094009 51185008 T-D3000
CHESTABDOMEN 416550000 R-FAB55
CLAVICLE 51299004 T-12310
COCCYX 64688005 T-11BF0
CSPINE 122494005 T-11501
ELBOW 16953009 T-15430
EXTREMITY 66019005 T-D0300
FEMUR 71341001 T-12710
FIBULA 87342007 T-12750
FINGER 7569003 T-D8800
FOOT 56459004 T-D9700
FOREARM 14975008 T-D8500
HAND 85562004 T-D8700
HEAD 69536005 T-D1100
HEART 80891009 T-32000
HIP 24136001 29836001 T-15710 T-D2500
HUMERUS 85050009 T-12410
JAW 661005 T-D1213
KNEE 72696002 T-D9200
LEG 30021000 T-D9400
LSPINE 122496007 T-11503
LSSPINE 1217253001
MANDIBLE 91609006 T-11180
MAXILLA 70925003 T-11170
NECK 45048000 T-D1600
PATELLA 64234005 T-12730
PELVIS 816092008 12921003 T-D6000
PHANTOM 706342009 R-FE0C7
RIB 113197003 T-11300
SACRUM 54735007 T-11AD0
SCAPULA 79601000 T-12280
SHOULDER 16982005 T-D2220
SIJOINT 39723000 T-15680
SKULL 89546000 T-11100
SPINE 421060004 T-D04FF
STERNUM 56873002 T-11210
THIGH 68367000 T-D9100
THUMB 76505004 T-D8810
TLSPINE 1217256009
TOE 29707007 T-D9800
TSPINE 122495006 T-11502
WHOLEBODY 38266002 T-D0010
WRIST 74670003 T-15460
ZYGOMA 13881006 T-11166
"""
_TERM_OF_CODE = {code: term for term, *codes in map(str.split, _TERMS.strip().splitlines()) for code in codes}


def read_region_terms(values: Values) -> tuple[str, ...]:
    """Return the regions of Anatomic Region Sequence (PS3.3 10.5) as terms of Body Part Examined.

    A region whose code is not in the table is left out. The text of a code (Code Meaning) is not used, because it may
    be free text.
    """
    codes = (item.code("CodeValue") for item in values.items("AnatomicRegionSequence"))
    return tuple(dict.fromkeys(_TERM_OF_CODE[code] for code in codes if code in _TERM_OF_CODE))
