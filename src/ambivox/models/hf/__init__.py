"""The engine for models of the `transformers` library. The path of one request, file by file:

1. `adapter` (`TransformersModel.generate`) is given requests: samples, a rendered prompt, the label tokens.
   It cuts them into windows of some hundred and finds those on the same clip.
2. `chat_input` writes each as one user turn by the model's chat template, the clip first and then the text.
   It computes the features of a clip once, proves that the clip is among the tensors, and takes control
   tokens in the text apart.
3. `job` is what is left of a request: tensors, the tokens whose logits are kept, token sequences to score,
   and how tokens are chosen (`sampling`).
4. `prefix_sharing` (`PrefixSharing.run`) answers the jobs. On the first one it tries itself against
   `reference`, and leaves a family that gives anything else to `reference` for good. Inside,

   - `encode` puts the clip through the audio encoder, once and without its padding;
   - `prefix_tree` puts all prompts on the clip, with the labels behind them, through the decoder in one pass,
     each token of a common beginning once;
   - `decode` lets the answers grow row by row; one that ends makes room for the next.

5. `reference` (`ReferencePath.run`) is transformers' own ``generate``, batch by batch: what prefix sharing is
   compared with, and what answers where nothing can be shared.
6. `lens` runs an answer once more and reads every layer, where a request asks for it.
7. `adapter` turns each outcome into a `Reply`: text, tokens, their logits and log-sum-exp, scores of labels.

Beside the path: `load` is the door, which looks at what can be seen without torch; `checkpoint` loads a model
whole or not at all, from the files that `checkpoint_files` lets through and hashes; `step_limit` stops chat
templates that do not end; `memory` halves how much goes through a model at a time when it was too much.
"""
