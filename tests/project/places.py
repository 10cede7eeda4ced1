"""Modules without a test file of their name: (where their tests are, why there) -> which.

Where a module gets a test file of its own, its line here goes.
"""

from __future__ import annotations

ELSEWHERE: dict[tuple[str, str], tuple[str, ...]] = {
    ("commands/test_web.py", "whole runs of the command"): ("backends/onnx/commands/web_steps.py",),
    ("cli/commands/test_boxes.py cli/commands/test_masks.py", "whole runs of both commands"): (
        "cam_core/cli/segments/files.py",
        "cam_core/cli/segments/run.py",
        "cam_core/cli/segments/segment.py",
        "cam_core/cli/segments/typed.py",
    ),
    ("core/report/boxes/test_table.py", "what the formats are made of"): (
        "cam_core/report/boxes/found.py",
    ),
    ("cli/test_options.py", "the one table that they are rows of"): (
        "cam_core/cli/pixel_options.py",
    ),
    ("cli/commands/test_units.py", "what the command sees and draws, on planted units"): (
        "cam_core/cli/unit_looks.py",
        "cam_core/cli/unit_sheet.py",
    ),
    ("core/targets/detection/test_box.py", "what a box is called, where boxes are asked for"): (
        "cam_core/targets/detection/boxed.py",
    ),
    (
        "core/targets/detection/test_edge.py core/targets/detection/test_keypoint.py",
        "what a box has, by each that asks",
    ): ("cam_core/targets/detection/of_box.py",),
    ("finding/places/test_seen.py finding/test_events.py", "a tensor as a map, whole"): (
        "backends/onnx/finding/places/layouts.py",
        "backends/onnx/finding/places/pieces.py",
        "backends/onnx/finding/places/walks.py",
    ),
    (
        "finding/axes/test_table.py",
        "every row of the table by what moves when a cell of an input is disturbed",
    ): (
        "backends/onnx/finding/axes/cellwise.py",
        "backends/onnx/finding/axes/chosen.py",
        "backends/onnx/finding/axes/quantised.py",
        "backends/onnx/finding/axes/sequences.py",
        "backends/onnx/finding/axes/windows.py",
    ),
    (
        "finding/heads/test_kinds.py",
        "what kinds are told by: each is right where the kinds of whole models are",
    ): (
        "backends/onnx/finding/heads/makers.py",
        "backends/onnx/finding/heads/origins.py",
        "backends/onnx/finding/heads/words.py",
    ),
    ("instrumenting/test_described.py", "the record whole, by a reader of it"): (
        "backends/onnx/instrumenting/described_boxes.py",
        "backends/onnx/instrumenting/described_inputs.py",
    ),
    ("models/test_detectors.py", "every format of output has its row there"): (
        "backends/onnx/finding/heads/detectors.py",
        "backends/onnx/finding/heads/partners.py",
        "backends/onnx/finding/heads/scales.py",
    ),
    ("models/test_more.py", "keypoints and masks of whole models, against torch"): (
        "backends/onnx/finding/heads/more.py",
    ),
    ("finding/test_scores.py", "what each output would be, by what is found"): (
        "backends/onnx/finding/candidates.py",
    ),
    ("finding/test_default_layer.py", "networks whose last map is not the one that is taken"): (
        "backends/onnx/finding/stepping.py",
    ),
    ("finding/test_layers.py", "whatever a name may mean"): (
        "backends/onnx/finding/named_tensors.py",
    ),
    ("reading/test_shapes.py", "what two probes say together, of whole graphs"): (
        "backends/onnx/reading/facts.py",
    ),
    ("finding/test_scores.py finding/heads/test_kinds.py", "every tail has its rows there"): (
        "backends/onnx/finding/heads/tails.py",
    ),
    (
        "rules/test_rules.py rules/families",
        "what rules are made of: wrong derivatives in the rows of the families that use them",
    ): (
        "backends/onnx/rules/parts/enlarged.py",
        "backends/onnx/rules/parts/put_back.py",
        "backends/onnx/writing/inference.py",
        "backends/onnx/writing/shaping.py",
    ),
    ("rules/cases_pooling.py", "one family with pooling.py"): (
        "backends/onnx/rules/families/maxpool.py",
    ),
    ("rules/cases_activation.py rules/cases_elementwise.py", "with what it is written beside"): (
        "backends/onnx/rules/families/clip.py",
    ),
    ("finding/test_composites.py", "found there, differentiated there"): (
        "backends/onnx/rules/families/composite.py",
        "backends/onnx/finding/matching.py",
        "backends/onnx/finding/patterns.py",
    ),
    (
        "rules/cases_control.py rules/control/test_control_flow.py",
        "one walk back through If, Loop and Scan, held against differences",
    ): (
        "backends/onnx/rules/control/branches.py",
        "backends/onnx/rules/control/loops.py",
        "backends/onnx/rules/control/repetition.py",
        "backends/onnx/rules/control/way_back.py",
        "backends/onnx/reading/body_types.py",
        "backends/onnx/writing/bodies.py",
    ),
    ("rules/control/test_recurrent.py", "what RNN, GRU and LSTM share"): (
        "backends/onnx/rules/control/gates.py",
        "backends/onnx/rules/control/recurrence.py",
    ),
    (
        "rules/microsoft/test_fused_operators.py models/test_fused_saved.py",
        "every fused operator has a row, and models as onnxruntime saves them",
    ): (
        "backends/onnx/rules/microsoft/contrib_attention.py",
        "backends/onnx/rules/microsoft/contrib_grouped.py",
        "backends/onnx/rules/microsoft/contrib_rotary.py",
        "backends/onnx/rules/microsoft/fused.py",
        "backends/onnx/rules/microsoft/fused_activation.py",
        "backends/onnx/rules/microsoft/fused_norms.py",
        "backends/onnx/rules/parts/nchwc.py",
    ),
    (
        "rules/microsoft/test_quantised_operators.py rules/microsoft/test_quantised_weights.py",
        "integer operators, each alone",
    ): (
        "backends/onnx/rules/families/quantised_products.py",
        "backends/onnx/rules/microsoft/packed.py",
        "backends/onnx/rules/microsoft/qlinear.py",
    ),
    ("project/test_third_party.py", "with a distribution made for the test"): (
        "backends/onnx/rules/third_party.py",
    ),
    (
        "writing/test_few_rows.py rules/cases_index.py",
        "what costs one row, and that its numbers are right",
    ): (
        "backends/onnx/writing/padded_views.py",
        "backends/onnx/writing/padding.py",
        "backends/onnx/writing/sums.py",
    ),
    ("writing/test_shortcuts.py", "types, and what is written shorter by them"): (
        "backends/onnx/writing/op.py",
        "backends/onnx/writing/promises.py",
    ),
    ("differentiating/test_coverage.py project/test_cuda_kernels.py", "what may be emitted"): (
        "backends/onnx/writing/portable.py",
    ),
    ("instrumenting/test_instrument.py", "the file that is made of it all"): (
        "backends/onnx/writing/export.py",
        "backends/onnx/instrumenting/canvas.py",
        "backends/onnx/instrumenting/methods.py",
        "backends/onnx/instrumenting/outputs.py",
        "backends/onnx/instrumenting/row.py",
    ),
    ("instrumenting/test_attention.py", "each method of attention in a file"): (
        "backends/onnx/instrumenting/again.py",
        "backends/onnx/instrumenting/fused.py",
        "backends/onnx/instrumenting/last_block.py",
        "backends/onnx/instrumenting/own_scores.py",
    ),
    ("finding/test_attention.py finding/test_token_places.py", "every spelling of a block"): (
        "backends/onnx/finding/attention_ends.py",
        "backends/onnx/finding/attention_factors.py",
    ),
    ("capturing/test_attending.py", "a pass and what a target makes of it"): (
        "backends/onnx/capturing/attending_under.py",
    ),
    ("instrumenting/test_strip.py instrumenting/test_metadata.py", "old models, there and back"): (
        "backends/onnx/writing/ir.py",
        "backends/onnx/strip.py",
    ),
    ("instrumenting/test_targets.py", "targets as nodes"): (
        "backends/onnx/instrumenting/traced_scores.py",
    ),
    ("instrumenting/test_early_means.py", "the steps of one mean"): (
        "backends/onnx/instrumenting/mean_steps.py",
        "backends/onnx/instrumenting/means.py",
        "backends/onnx/instrumenting/outer_products.py",
        "backends/onnx/instrumenting/view_means.py",
    ),
    ("finding/test_default_layer.py finding/test_layers.py", "what the choice goes by"): (
        "backends/onnx/finding/flattened_gemm.py",
        "backends/onnx/finding/maps.py",
        "backends/onnx/finding/route.py",
        "backends/onnx/finding/summary.py",
    ),
    ("capturing/test_by_scale.py", "the models that it runs"): (
        "backends/onnx/capturing/scales.py",
    ),
    ("capturing/test_backend.py capturing/test_captures.py", "seen through the backend alone"): (
        "backends/onnx/capturing/cut.py",
        "backends/onnx/capturing/forward_pass.py",
        "backends/onnx/capturing/halves.py",
        "backends/onnx/capturing/sessions.py",
        "backends/onnx/capturing/weights.py",
        "backends/onnx/differentiating/gradient.py",
    ),
    ("core/methods/test_second_order.py", "held against torch's double backward"): (
        "backends/onnx/capturing/bend.py",
        "cam_core/methods/curvature.py",
    ),
    ("core/methods/test_question.py", "what a question asks with, seen through questions"): (
        "cam_core/methods/doors.py",
        "cam_core/methods/passes.py",
        "cam_core/methods/picture.py",
    ),
    ("models/test_types.py", "whole models of each type"): (
        "backends/onnx/differentiating/bfloat16.py",
        "backends/onnx/running/borders.py",
    ),
    ("commands/test_check.py commands/test_instrument.py", "parts of these commands"): (
        "backends/onnx/commands/arguments.py",
        "backends/onnx/commands/check_steps.py",
        "backends/onnx/commands/comparison.py",
        "backends/onnx/commands/instrument_steps.py",
        "backends/onnx/commands/screen.py",
        "backends/onnx/commands/strip.py",
    ),
    (
        "blaming/test_blame.py",
        "whole runs: a planted defect is named, all kept is the float model",
    ): (
        "backends/onnx/blaming/find.py",
        "backends/onnx/blaming/measured.py",
        "backends/onnx/blaming/rewrite.py",
        "backends/onnx/blaming/suspects.py",
        "backends/onnx/blaming/twins.py",
    ),
    ("blaming/test_keep_lists.py", "what is made of a ranking, with the spellings"): (
        "backends/onnx/blaming/curve.py",
        "backends/onnx/blaming/node_data.py",
    ),
    ("blaming/test_pairs.py blaming/test_onnxruntime.py", "what is looked up in a file"): (
        "backends/onnx/blaming/constants.py",
        "backends/onnx/blaming/net.py",
        "backends/onnx/blaming/shown.py",
    ),
    ("commands/test_blame.py", "parts of the command"): (
        "backends/onnx/commands/blame_found.py",
        "backends/onnx/commands/blame_steps.py",
        "backends/onnx/commands/blame_words.py",
    ),
    ("live/test_backend.py core/test_backend.py", "seen through the backend alone"): (
        "backends/torch/forward_pass.py",
        "backends/torch/tracing.py",
    ),
    ("live/test_tail.py", "what stands in for the calls before a layer when only the tail runs"): (
        "backends/torch/recording.py",
    ),
    (
        "cli/commands/test_explain.py cli/inputs/test_reader.py cli/test_errors.py",
        "what is between the words and the written files",
    ): (
        "cam_core/cli/inputs/as_photos.py",
        "cam_core/cli/inputs/given_arrays.py",
        "cam_core/cli/inputs/opened.py",
        "cam_core/cli/inputs/samples.py",
        "cam_core/cli/explained.py",
        "cam_core/cli/explaining.py",
        "cam_core/cli/filing.py",
        "cam_core/cli/job.py",
        "cam_core/cli/output.py",
        "cam_core/cli/passes.py",
        "cam_core/cli/report.py",
        "cam_core/report/record.py",
    ),
    ("cli/commands/test_rank.py", "what the command measures, says, draws and writes"): (
        "cam_core/cli/ranking/asked.py",
        "cam_core/cli/ranking/files.py",
        "cam_core/cli/ranking/result.py",
        "cam_core/cli/ranking/run.py",
        "cam_core/cli/ranking/sheet.py",
        "cam_core/cli/ranking/words.py",
    ),
    ("cli/commands/test_compare.py", "what the command opens, says, draws and writes"): (
        "cam_core/cli/compare/asked.py",
        "cam_core/cli/compare/files.py",
        "cam_core/cli/compare/opened.py",
        "cam_core/cli/compare/sheet.py",
        "cam_core/cli/compare/words.py",
    ),
    ("cli/commands/test_audit.py", "what the command opens, says, draws and writes"): (
        "cam_core/cli/audit/asked.py",
        "cam_core/cli/audit/files.py",
        "cam_core/cli/audit/opened.py",
        "cam_core/cli/audit/pictures.py",
        "cam_core/cli/audit/steps.py",
        "cam_core/cli/audit/words.py",
        "cam_core/audit/summary/baseline.py",
    ),
    ("cli/commands/test_monitor.py", "what the command takes, says and writes"): (
        "cam_core/cli/monitor/asked.py",
        "cam_core/cli/monitor/words.py",
    ),
    ("core/compare/test_run.py", "what is compared, on one network both ways"): (
        "cam_core/compare/collecting.py",
        "cam_core/compare/together.py",
        "cam_core/compare/pair.py",
        "cam_core/compare/photos.py",
        "cam_core/compare/sides.py",
    ),
    ("core/test_backend.py", "the contract, on each framework"): (
        "backends/jax/engine.py",
        "backends/keras/engines.py",
        "backends/live/engine.py",
        "backends/live/model.py",
        "backends/live/tapped.py",
        "backends/live/tapped_pass.py",
    ),
    ("frameworks/test_opening.py", "what becomes of the layers of a model"): (
        "backends/keras/hooks.py",
    ),
    ("core/test_backend.py frameworks/test_flax.py", "what the contract asks of it"): (
        "backends/jax/reading.py",
    ),
    ("converting/test_keras.py", "TFLite files are made of the same model"): (
        "converters/left_over.py",
        "converters/tensorflow.py",
        "converters/tflite.py",
    ),
    ("converting/test_check.py converting/test_finish.py", "run by all that is compared"): (
        "converters/seen_onnx.py",
    ),
    ("recorded/test_backend.py", "what is seen of a recording"): ("backends/recorded/look.py",),
    ("commands/test_check.py", "tried by that command"): ("cam_core/cli/presets.py",),
    ("core/image/test_figure.py", "letters and bars of the card"): ("cam_core/image/page.py",),
    ("core/image/test_preprocess.py models/test_presets.py", "what they make of photos"): (
        "cam_core/image/presets.py",
    ),
    ("converting/test_torch.py", "exports leave the module as it was"): (
        "converters/torch_settings.py",
    ),
    ("core/demo/test_data.py", "the command and its picture, with the scenes"): (
        "cam_core/cli/commands/demo.py",
        "cam_core/cli/demo_scene.py",
        "cam_core/demo/figure.py",
    ),
    ("core/targets/test_formulas.py core/targets/test_table.py", "every kind has a row there"): (
        "cam_core/targets/classes/contrast.py",
        "cam_core/targets/cotangent.py",
        "cam_core/targets/classes/one_class.py",
        "cam_core/targets/classes/probability.py",
        "cam_core/targets/scores.py",
        "cam_core/targets/classes/top_classes.py",
    ),
    ("core/chain/test_chain.py core/test_backend.py", "seen through the chain alone"): (
        "cam_core/chain/look.py",
        "cam_core/chain/opening.py",
        "cam_core/chain/part.py",
        "cam_core/chain/places.py",
    ),
    ("core/methods/test_from_gradients.py", "every row has an oracle"): (
        "cam_core/methods/table.py",
    ),
    ("core/metrics/test_table.py", "every row of the table has a case"): (
        "cam_core/metrics/faithfulness/table.py",
        "cam_core/metrics/localisation/table.py",
    ),
    (
        "core/targets/places/test_place.py core/targets/places/test_region.py",
        "what places and regions turn into, which cells, and what is said of them",
    ): (
        "cam_core/targets/places/cells.py",
        "cam_core/targets/places/facts.py",
        "cam_core/targets/places/where.py",
    ),
    (
        "core/targets/reading/test_text.py core/targets/reading/test_character.py",
        "what is seen of a reader",
    ): ("cam_core/targets/reading/look.py",),
    ("core/audit/test_run.py", "whole runs: killed, on a full disk, two at once"): (
        "cam_core/audit/opening.py",
        "cam_core/audit/plan.py",
        "cam_core/audit/rows/durable.py",
        "cam_core/audit/rows/lock.py",
    ),
    ("core/audit/test_auditing.py", "a file that changes is noticed"): (
        "cam_core/audit/hashes.py",
    ),
    ("core/audit/measure/test_columns.py", "what becomes of it"): (
        "cam_core/audit/measure/shot.py",
    ),
    ("core/audit/data/test_table.py", "the same photos out of every format"): (
        "cam_core/audit/data/beside.py",
        "cam_core/audit/data/folders.py",
        "cam_core/audit/data/imagenet.py",
        "cam_core/audit/data/item.py",
        "cam_core/audit/data/marked.py",
    ),
    ("finding/test_score_places.py", "how models' scores are read and written"): (
        "cam_core/places.py",
    ),
}
