/// <reference lib="dom" />
/** The page's camera: a view of it, and a button that takes a picture. */
import { byId } from "./elements.ts";

/**
 * Makes the page's buttons work where there is a camera to ask for.
 * @param onPicture Hears of each picture that is taken, while the camera shows it.
 * @param onProblem Hears why there is none.
 */
export function connectCamera(
  onPicture: (video: HTMLVideoElement) => void,
  onProblem: (problem: string) => void,
): void {
  const devices: MediaDevices | undefined = navigator.mediaDevices;
  if (devices === undefined) return;
  const [open, view, take, close] = ["camera", "viewfinder", "take", "close"].map(byId);
  const video = view.querySelector("video")!;
  open.hidden = false;
  open.onclick = async () => {
    try {
      const stream = await devices.getUserMedia({ video: { facingMode: "environment" } });
      video.srcObject = stream;
      view.hidden = false;
      open.hidden = true;
      await video.play();
      take.focus();
      close.onclick = () => {
        for (const track of stream.getTracks()) track.stop();
        view.hidden = true;
        open.hidden = false;
        open.focus();
      };
    } catch (error) {
      onProblem(`The camera cannot be used: ${error instanceof Error ? error.message : error}`);
    }
  };
  take.onclick = () => onPicture(video);
}
