"""Which method is best where: `gradcam rank` on models and photos with labelled boxes."""
