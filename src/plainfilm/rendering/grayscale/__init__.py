# SPDX-License-Identifier: MIT
"""Convert pixel cells to output levels by DICOM's grayscale pipeline, and describe each conversion in a plan.

How the plan of a frame is made:

    GrayscalePlanner.plan                planner.py: one plan for each frame, from the survey and the options
      voi_candidates                     voi_candidates.py: the VOIs of the frame, in the order of preference
      VoiSelector.select                 voi_selection.py: the first VOI that is not degenerate, or none
      recipe_of                          recipe_planning.py: the published recipes, instead of a VOI
      ViewerTransform, StretchRecipe...  transform.py, recipes.py: stored values to output levels
    GrayscalePlan                        plan.py: the result; `render_levels` runs it
"""
