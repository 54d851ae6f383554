import { texts } from '../../language';
import { Status } from '../../parts/status';

/** Whether an item is on sale, and if not, whether its owner can change that. */
export function StateOfItem({ item: { isActive, takenDown } }: { item: { isActive: boolean; takenDown: boolean } }) {
  const text = texts.value.items.state;
  if (takenDown) return <Status tone="bad">{text.takenDown}</Status>;
  return isActive ? <Status tone="good">{text.on}</Status> : <Status tone="quiet">{text.off}</Status>;
}
